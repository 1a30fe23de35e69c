import diagnosticsChannel from "node:diagnostics_channel";
import { createRequire } from "node:module";

/**
 * Meters the Bedrock clients of AWS, which call by `node:http2` and not by fetch, as soon as the application has loaded them: Node.js
 * publishes what is required, an `import` of CommonJS included. The adapter is loaded then and not before. The function ends it.
 */
export function captureBedrock(): () => void {
  let end: (() => void) | undefined;
  let isOn = true;
  const begin = (): void => {
    diagnosticsChannel.unsubscribe(required, onRequired);
    if (isOn) end ??= load().meterBedrockClients();
  };
  const onRequired = (message: unknown): void => {
    const { id } = message as { readonly id?: unknown };
    if (typeof id === "string" && id.includes(clientPackage)) begin();
  };
  diagnosticsChannel.subscribe(required, onRequired);
  // Loaded before, by an application that starts us in code.
  if (Object.keys(require.cache).some((file) => file.includes(clientPackage))) begin();
  return () => {
    isOn = false;
    diagnosticsChannel.unsubscribe(required, onRequired);
    end?.();
  };
}

const required = "tracing:module.require:end";
const clientPackage = "client-bedrock-runtime";
const require = createRequire(import.meta.url);

function load(): typeof import("@meterbridge/genai/bedrock") {
  return require("@meterbridge/genai/bedrock") as typeof import("@meterbridge/genai/bedrock");
}
