import { createRequire } from "node:module";
import { isMainThread } from "node:worker_threads";
import { disabledBy, readEnvironment } from "./environment.ts";
import { isPackageManager } from "./package-manager.ts";
import { printLine, showsStatus } from "./print-line.ts";

/**
 * The preload, for `node -r` and `node --import` alike: starts Meterbridge from the environment before the application
 * loads. Nothing but the environment is looked at until it is clear that there is something to start.
 */
function register(): void {
  // A worker inherits the preload of its process, whose main thread has started everything.
  if (!isMainThread || isRunning() || isPackageManager(process.argv[1])) return;
  const environment = readEnvironment();
  const variable = disabledBy(environment);
  if (variable === undefined) {
    loadStart()();
  } else if (showsStatus(environment.METERBRIDGE_LOG_LEVEL ?? environment.OTEL_LOG_LEVEL ?? "warn")) {
    printLine(`off: ${variable} is true`);
  }
}

/** By the package's own name, so that it is the copy that the application gets as well, however it loads it. */
function loadStart(): () => unknown {
  return (createRequire(import.meta.url)("@meterbridge/node") as typeof import("./index.ts")).start;
}

/** The preload given twice, or a second installed copy of it. */
function isRunning(): boolean {
  return (globalThis as { [key: symbol]: unknown })[Symbol.for("meterbridge.sdk")] !== undefined;
}

try {
  register();
} catch (error) {
  // A wrong configuration ends the start with its one line. A stack of ours would tell the reader nothing.
  printLine(error instanceof Error ? error.message : error);
  process.exit(1);
}
