import { existsSync } from "node:fs";
import { builtinModules, createRequire, register } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { DiagLogger } from "@opentelemetry/api";

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

function hooksDirectory(file: string): string | undefined {
  try {
    const base = createRequire(file).resolve("@opentelemetry/instrumentation");
    return path.dirname(createRequire(base).resolve("import-in-the-middle"));
  } catch {
    return undefined;
  }
}

const KEY: unique symbol = Symbol.for("meterbridge.module-hooks");
const registered: Set<string> = ((globalThis as { [KEY]?: Set<string> })[KEY] ??= new Set());
