// Asks a model that it is itself, over the network, and prints each usage event as a line.
import { createServer } from "node:http";
import { addUsageSink } from "@meterbridge/core";

addUsageSink({
  write: ({ model, inputTokens, usageSource, isSuccess, attempts }) =>
    console.log(JSON.stringify({ model, inputTokens, usageSource, isSuccess, attempts })),
});

const server = createServer((request, response) => {
  if (request.url?.includes("refused")) return response.writeHead(503).end();
  if (request.url?.includes("held"))
    return response.writeHead(200, { "content-type": "text/event-stream" }).write("data: {}\n\n");
  return response
    .setHeader("content-type", "application/json")
    .end('{"usage":{"prompt_tokens":7,"completion_tokens":2}}');
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const ask = (model, host = "", headers = {}) =>
  fetch(`http://127.0.0.1:${server.address().port}${host}/v1/chat/completions`, {
    method: "POST",
    headers,
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }], stream: host === "/held" }),
  });

await (await ask("plain")).json();
await ask("refused", "/refused", { "x-stainless-retry-count": "0" });
const held = await ask("held", "/held");
await held.body.getReader().read();
if (process.argv[2] === "wait") console.log("waiting");
else {
  server.close();
  server.closeAllConnections();
  // The line is dead, and nobody asks.
  server.unref();
}
