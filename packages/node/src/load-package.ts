import { createRequire } from "node:module";
import path from "node:path";
import { mainDirectory } from "./application-package.ts";

/** The application's packages come first: it chose their versions. */
export function searchDirectories(): string[] {
  return [process.cwd(), mainDirectory(process.argv[1]) ?? process.cwd(), import.meta.dirname];
}

/** The file of a package as seen from the first of the directories that sees it. */
export function findPackage(packageName: string, directories: readonly string[]): string | undefined {
  for (const directory of directories) {
    try {
      return createRequire(path.join(directory, "package.json")).resolve(packageName);
    } catch {
      // Not visible from here.
    }
  }
  return undefined;
}

/** Loads it, synchronously, since a preload cannot wait. `what` names it in the error. */
export function loadPackage<Module>(packageName: string, file: string, what: string): Partial<Module> {
  try {
    return createRequire(file)(file) as Partial<Module>;
  } catch (error) {
    throw explained(error, `${what} ${packageName} cannot be loaded (from ${file})`);
  }
}

/** The error in one line of ours; our own packages already say who, what and what to do. */
export function explained(error: unknown, what: string): Error {
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith("[meterbridge]")) return new Error(message, { cause: error });
  return new Error(`[meterbridge] ${what}: ${message.split("\n")[0]}`, { cause: error });
}
