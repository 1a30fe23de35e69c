import diagnosticsChannel from "node:diagnostics_channel";
import { createRequire } from "node:module";
import { layOver } from "../fetch/own-property.ts";
import { addMeter, type BedrockClient } from "./bedrock.ts";

/**
 * Meters every Bedrock client of the process, as soon as the application has loaded `@aws-sdk/client-bedrock-runtime`: Node.js publishes what is
 * required (`module.require`, an `import` of CommonJS too), so nothing is patched in the loader, nor loaded by us. The function ends it.
 */
export function meterBedrockClients(): () => void {
  const undo: (() => void)[] = [];
  let isOn = true;
  const meter = (exports: unknown): void => {
    const end = meterClass(exports, () => isOn);
    if (end !== undefined) undo.push(end);
  };
  const onRequired = (message: unknown): void => {
    const { id, result } = message as { readonly id?: unknown; readonly result?: unknown };
    if (typeof id === "string" && isClient(id)) meter(result);
  };
  diagnosticsChannel.subscribe(required, onRequired);
  // One that was loaded before, by an application that starts us in code.
  for (const [file, loaded] of Object.entries(createRequire(import.meta.url).cache)) {
    if (isClient(file)) meter(loaded?.exports);
  }
  return () => {
    isOn = false;
    diagnosticsChannel.unsubscribe(required, onRequired);
    for (const each of undo) each();
  };
}

const required = "tracing:module.require:end";

/** By its name or by its file. */
function isClient(id: string): boolean {
  return id === name || id.replaceAll("\\", "/").endsWith(`node_modules/${name}/dist-cjs/index.js`);
}

const name = "@aws-sdk/client-bedrock-runtime";

type Send = (this: BedrockClient, ...given: unknown[]) => unknown;

function meterClass(exports: unknown, isOn: () => boolean): (() => void) | undefined {
  const { BedrockRuntimeClient: Class } = exports as { BedrockRuntimeClient?: { prototype?: { send?: Send } } };
  const prototype = Class?.prototype;
  if (prototype === undefined || typeof prototype.send !== "function" || metered.has(prototype)) return undefined;
  metered.add(prototype);
  const { send } = prototype;
  const isOwn = Object.hasOwn(prototype, "send");
  const meteredSend: Send = function (this: BedrockClient, ...given) {
    if (!metered.has(this)) {
      metered.add(this);
      addMeter(this, isOn);
    }
    return Reflect.apply(send, this, given);
  };
  layOver(prototype, "send", meteredSend);
  return () => {
    metered.delete(prototype);
    if (prototype.send !== meteredSend) return;
    if (isOwn) layOver(prototype, "send", send);
    else delete prototype.send;
  };
}

/** Classes and clients. */
const metered = new WeakSet<object>();
