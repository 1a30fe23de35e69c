// An application with AWS's client and no word about metering, in a process of its own. Argument: the address of the stand-in. Tells how many calls its
// meters have.
import { BedrockRuntimeClient, ConverseCommand } from "@aws-sdk/client-bedrock-runtime";
import { countedCalls } from "./counted-calls.ts";

const client = new BedrockRuntimeClient({
  region: "eu-central-1",
  endpoint: process.argv[2] ?? "",
  credentials: { accessKeyId: "none", secretAccessKey: "none" },
});
const messages = [{ role: "user" as const, content: [{ text: "Hello" }] }];
await client.send(new ConverseCommand({ modelId: "amazon.nova-pro-v1:0", messages }));
client.destroy();
console.log(JSON.stringify(await countedCalls()));
