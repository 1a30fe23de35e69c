import { readFileSync, realpathSync } from "node:fs";
import path from "node:path";

/** What the application's package.json says it is. */
export interface ApplicationPackage {
  readonly name?: string;
  readonly version?: string;
}

/**
 * The package.json nearest to the main script that has a name. A tool that runs the application from `node_modules`
 * (`next start`) is not the application: then it is the nearest to the working directory.
 */
export function findApplicationPackage(mainScript: string | undefined, workingDirectory: string): ApplicationPackage {
  const directory = mainDirectory(mainScript);
  const isTool = directory === undefined || directory.split(path.sep).includes("node_modules");
  return nearestNamedPackage(isTool ? workingDirectory : directory) ?? {};
}

/** The directory of the main script, through links such as those in `node_modules/.bin`. */
export function mainDirectory(mainScript: string | undefined): string | undefined {
  if (!mainScript) return undefined;
  try {
    return path.dirname(realpathSync(mainScript));
  } catch {
    // `node server` for server.js: Node.js completes the name after a preload has run.
    return path.dirname(path.resolve(mainScript));
  }
}

function nearestNamedPackage(start: string): ApplicationPackage | undefined {
  for (let directory = start; ; directory = path.dirname(directory)) {
    const found = readPackage(path.join(directory, "package.json"));
    // A package.json of `{"type":"module"}` only tells Node.js how to read a folder.
    if (found?.name !== undefined) return found;
    if (directory === path.dirname(directory)) return undefined;
  }
}

function readPackage(file: string): ApplicationPackage | undefined {
  try {
    const { name, version } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    return {
      ...(typeof name === "string" && name !== "" ? { name } : {}),
      ...(typeof version === "string" && version !== "" ? { version } : {}),
    };
  } catch {
    return undefined;
  }
}
