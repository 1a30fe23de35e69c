// An application whose client brings undici's fetch, in a process of its own. Argument: the address of the stand-in. Tells how many calls its meters have.
import OpenAI from "openai";
import { fetch } from "undici";
import { countedCalls } from "./counted-calls.ts";

const client = new OpenAI({
  apiKey: "none",
  baseURL: `${process.argv[2] ?? ""}/v1`,
  maxRetries: 0,
  // Its types know Node.js's own alone.
  fetch: fetch as object as typeof globalThis.fetch,
});
await client.chat.completions.create({ model: "gpt-5", messages: [{ role: "user", content: "Hello" }] });
console.log(JSON.stringify(await countedCalls()));
process.exit();
