import diagnosticsChannel from "node:diagnostics_channel";
import { createRequire } from "node:module";
import path from "node:path";
import { meterFetch } from "@meterbridge/genai";

/**
 * Meters what calls models by no fetch of Node.js's own, as soon as the application has loaded it: the Bedrock clients of AWS, which have an
 * HTTP client of their own, and the fetch of the package undici. Node.js publishes what is required, an `import` of CommonJS included. The
 * function ends it.
 */
export function captureModules(): () => void {
  const undo: (() => void)[] = [];
  const seen = new WeakSet<object>();
  const meter = (id: string, exports: unknown): void => {
    const found = modules.find(({ file, name }) => id === name || id.endsWith(file));
    if (found === undefined || typeof exports !== "object" || exports === null || seen.has(exports)) return;
    seen.add(exports);
    undo.push(found.meter(exports));
  };
  const onRequired = (message: unknown): void => {
    const { id, result } = message as { readonly id?: unknown; readonly result?: unknown };
    if (typeof id === "string") meter(id, result);
  };
  diagnosticsChannel.subscribe(required, onRequired);
  // Loaded before, by an application that starts us in code.
  for (const [file, loaded] of Object.entries(require.cache)) meter(file, loaded?.exports);
  return () => {
    diagnosticsChannel.unsubscribe(required, onRequired);
    for (const each of undo) each();
  };
}

interface CapturedModule {
  readonly name: string;
  /** How its main file's path ends. */
  readonly file: string;
  meter(exports: object): () => void;
}

const modules: readonly CapturedModule[] = [
  captured("@aws-sdk/client-bedrock-runtime", "dist-cjs/index.js", () => loadBedrock().meterBedrockClients()),
  captured("undici", "index.js", meterUndici),
];

const required = "tracing:module.require:end";
const require = createRequire(import.meta.url);

function captured(name: string, main: string, meter: CapturedModule["meter"]): CapturedModule {
  return { name, file: path.join("node_modules", name, main), meter };
}

/** Meters every client of the process. Loaded when there is one. */
function loadBedrock(): typeof import("@meterbridge/genai/bedrock") {
  return require("@meterbridge/genai/bedrock") as typeof import("@meterbridge/genai/bedrock");
}

function meterUndici(exports: { fetch?: unknown }): () => void {
  const { fetch: bare } = exports;
  if (typeof bare !== "function") return () => {};
  const metered = meterFetch(bare as typeof globalThis.fetch);
  exports.fetch = metered;
  return () => {
    // Somebody else's may have come over it.
    if (exports.fetch === metered) exports.fetch = bare;
  };
}
