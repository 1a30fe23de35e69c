import { existsSync, readFileSync } from "node:fs";
import { builtinModules, createRequire, findPackageJSON, register } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { DiagLogger } from "@opentelemetry/api";
import { nodeOptions } from "./environment.ts";
import { findPackage } from "./load-package.ts";

interface SynchronousHooks {
  supportsSyncHooks(): boolean;
  register(options: { readonly include: readonly string[] }): void;
}

/**
 * Lets official instrumentations see what is imported as ES modules; what is required they see by themselves. That is the work of
 * `import-in-the-middle`, in the copy that each of them was installed with (`files` are their main files): by
 * `module.registerHooks` where that works (Node.js 22.22.3, 24.11.1, 25.1, 26), else by a loader thread. Only the modules in
 * question are wrapped: wrapping every module costs time, and breaks some.
 */
export function registerModuleHooks(files: readonly string[], modules: readonly string[], logger: DiagLogger): void {
  const include = modules.flatMap((name) => (builtinModules.includes(name) ? [name, `node:${name}`] : [name]));
  for (const directory of new Set(files.map(hooksDirectory))) {
    // For the life of the process: Node.js takes a loader thread back no more.
    if (directory === undefined || registered.has(directory)) continue;
    registered.add(directory);
    const require = createRequire(path.join(directory, "package.json"));
    const synchronous = path.join(directory, "register-hooks.mjs");
    const hooks = existsSync(synchronous) ? (require(synchronous) as SynchronousHooks) : undefined;
    if (hooks?.supportsSyncHooks()) hooks.register({ include });
    else if (hooks === undefined && isDeprecatedHere) logger.warn(tooOld(directory));
    else if (isPreloadedByRequire()) tellNoThread(logger);
    else register(pathToFileURL(path.join(directory, "hook.mjs")), { data: { include } });
  }
}

/** From Node.js 26 on a loader thread is deprecated, with a warning to everybody who looks at stderr. */
const isDeprecatedHere: boolean = Number.parseInt(process.versions.node, 10) >= 26;

function tooOld(directory: string): string {
  return (
    `ES modules are not instrumented: ${directory} is older than 3.1, which Node.js ${process.versions.node} needs; ` +
    `update the installed @opentelemetry/instrumentation-* packages`
  );
}

/**
 * A loader thread runs what is preloaded by `-r` as well, and ends the process there when that is an ES module, as ours is
 * (Node.js 22.15: "resolveSync() is not implemented").
 */
function isPreloadedByRequire(): boolean {
  return [...process.execArgv, ...nodeOptions()].some((flag) => /^(?:-r|--require)(?:=|$)/.test(flag));
}

/** An application in CommonJS, which is who preloads by `-r`, misses nothing. */
function tellNoThread(logger: DiagLogger): void {
  const message =
    `ES modules are not instrumented: preloaded by -r, that needs Node.js 22.22.3, 24.11.1 or later; ` +
    `with Node.js ${process.versions.node} preload by --import`;
  if (isModule(process.argv[1])) logger.warn(message);
  else logger.debug(message);
}

function isModule(mainScript: string | undefined): boolean {
  try {
    if (mainScript === undefined || /\.c[jt]s$/.test(mainScript)) return false;
    if (/\.m[jt]s$/.test(mainScript)) return true;
    const manifest = findPackageJSON(pathToFileURL(mainScript));
    return (
      manifest !== undefined && (JSON.parse(readFileSync(manifest, "utf8")) as { type?: unknown }).type === "module"
    );
  } catch {
    return false;
  }
}

/** Where the copy of `import-in-the-middle` is that the package of this file uses. */
function hooksDirectory(file: string): string | undefined {
  const base = findPackage("@opentelemetry/instrumentation", [file]);
  const hooks = base === undefined ? undefined : findPackage("import-in-the-middle", [base]);
  return hooks === undefined ? undefined : path.dirname(hooks);
}

const KEY: unique symbol = Symbol.for("meterbridge.module-hooks");
const registered: Set<string> = ((globalThis as { [KEY]?: Set<string> })[KEY] ??= new Set());
