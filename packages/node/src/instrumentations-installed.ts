import { readdirSync } from "node:fs";
import path from "node:path";
import { findPackage } from "./load-package.ts";

/**
 * Tells whether a package is installed where the application can see it, without loading or resolving it: the directories named
 * `node_modules` on the way up are read once each, whatever is asked. `@scope/*` asks for any package of a scope.
 */
export function installedPackages(directories: readonly string[]): (packageName: string) => boolean {
  // Yarn's Plug'n'Play has no such directories; there its resolver has to be asked.
  if (process.versions["pnp"] !== undefined) return (name) => findPackage(name, directories) !== undefined;
  const listed = new Map<string, ReadonlySet<string>>();
  const list = (directory: string): ReadonlySet<string> => {
    let names = listed.get(directory);
    if (names === undefined) listed.set(directory, (names = namesIn(directory)));
    return names;
  };
  const folders = new Set(directories.flatMap(moduleFolders));
  return (packageName) => {
    const [scope, name] = packageName.startsWith("@") ? packageName.split("/") : [undefined, packageName];
    for (const folder of folders) {
      const names = list(folder);
      if (scope === undefined ? names.has(packageName) : names.has(scope) && isIn(list(path.join(folder, scope)), name))
        return true;
    }
    return false;
  };
}

function isIn(names: ReadonlySet<string>, name: string | undefined): boolean {
  return name === "*" ? names.size > 0 : name !== undefined && names.has(name);
}

function moduleFolders(directory: string): string[] {
  const parent = path.dirname(directory);
  const own = path.basename(directory) === "node_modules" ? directory : path.join(directory, "node_modules");
  return parent === directory ? [own] : [own, ...moduleFolders(parent)];
}

function namesIn(directory: string): ReadonlySet<string> {
  try {
    return new Set(readdirSync(directory));
  } catch {
    return new Set();
  }
}
