// An application with AWS's client and no word about metering, in a process of its own. Argument: the address of the stand-in. Tells how many calls its
// meters have, which a service's own backend would know.
import { BedrockRuntimeClient, ConverseCommand } from "@aws-sdk/client-bedrock-runtime";

interface RunningSdk {
  collect(): Promise<readonly { readonly name: string; readonly points: readonly { readonly value: unknown }[] }[]>;
}

const client = new BedrockRuntimeClient({
  region: "eu-central-1",
  endpoint: process.argv[2] ?? "",
  credentials: { accessKeyId: "none", secretAccessKey: "none" },
});
await client.send(
  new ConverseCommand({ modelId: "amazon.nova-pro-v1:0", messages: [{ role: "user", content: [{ text: "Hello" }] }] }),
);
client.destroy();
const sdk = (globalThis as { [key: symbol]: unknown })[Symbol.for("meterbridge.sdk")] as RunningSdk;
const readings = await sdk.collect();
console.log(
  JSON.stringify(readings.find(({ name }) => name === "llm.requests")?.points.map(({ value }) => value) ?? []),
);
