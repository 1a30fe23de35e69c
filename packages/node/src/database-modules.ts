import diagnosticsChannel from "node:diagnostics_channel";
import { createRequire } from "node:module";
import path from "node:path";
import type { StartOperation } from "./database-meters.ts";
import { meterMongodb } from "./database-mongodb.ts";
import { meterPg } from "./database-pg.ts";

/** A client that publishes nothing: the file of it that is looked out for, and what is done with its exports. */
interface ClientModule {
  /** From `node_modules` on. */
  readonly file: string;
  meter(exports: unknown, start: StartOperation): (() => void) | undefined;
}

const modules: readonly ClientModule[] = [
  { file: "pg/lib/client.js", meter: meterPg },
  { file: "pg/lib/native/client.js", meter: meterPg },
  { file: "mongodb/lib/cmap/connection.js", meter: meterMongodb },
];

/** What Node.js publishes of each `require`, and of an `import` of CommonJS. */
interface Required {
  readonly id: string;
  readonly parentFilename?: string | undefined;
  readonly result?: unknown;
}

/**
 * Meters clients that publish nothing themselves, by one method of theirs, as soon as the application has loaded them: Node.js
 * publishes what is required (`module.require`), so nothing is patched in the loader, nor loaded by us. The function ends it.
 */
export function meterModules(start: StartOperation): () => void {
  const undo: (() => void)[] = [];
  const seen = new WeakSet<object>();
  function meter(clientModule: ClientModule, exports: unknown): void {
    if (typeof exports !== "function" && (typeof exports !== "object" || exports === null)) return;
    if (seen.has(exports)) return;
    seen.add(exports);
    const end = clientModule.meter(exports, start);
    if (end !== undefined) undo.push(end);
  }
  const onRequired = (message: unknown): void => {
    const { id, parentFilename, result } = message as Required;
    if (typeof id !== "string") return;
    const name = id.slice(Math.max(id.lastIndexOf("/"), id.lastIndexOf("\\")) + 1);
    if (!lastNames.has(name)) return;
    const file = path.resolve(parentFilename === undefined ? "." : path.dirname(parentFilename), id);
    const found = moduleOf(path.extname(file) === ".js" ? file : `${file}.js`);
    if (found !== undefined) meter(found, result);
  };
  diagnosticsChannel.subscribe("tracing:module.require:end", onRequired);
  // Those that were loaded before, by an application that starts us in code.
  for (const [file, loaded] of Object.entries(createRequire(import.meta.url).cache)) {
    const found = lastNames.has(path.basename(file)) ? moduleOf(file) : undefined;
    if (found !== undefined) meter(found, loaded?.exports);
  }
  return () => {
    diagnosticsChannel.unsubscribe("tracing:module.require:end", onRequired);
    for (const each of undo) each();
  };
}

/** Almost everything that is required is told apart by this alone. */
const lastNames: ReadonlySet<string> = new Set(
  modules.flatMap(({ file }) => [path.posix.basename(file), path.posix.basename(file, ".js")]),
);

function moduleOf(file: string): ClientModule | undefined {
  const inPosix = path.sep === "/" ? file : file.replaceAll(path.sep, "/");
  return modules.find((each) => inPosix.endsWith(`/${each.file}`));
}
