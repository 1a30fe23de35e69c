// A provider that answers at once: OpenAI's chat completions, streamed in as many chunks as the model's name says, each in a
// packet of its own ("paced-") or as fast as they can be written ("burst-"). Tells its port, and ends with its parent.
const { createServer } = require("node:http");

const head =
  '{"id":"chatcmpl-BkQX3v9tVmZb7y","object":"chat.completion.chunk","created":1795000000,"model":"gpt-5-2025-08-07",';

const server = createServer((request, response) => {
  let text = "";
  request.setEncoding("utf8").on("data", (piece) => (text += piece));
  request.on("end", () => {
    const { model, stream, stream_options: options } = JSON.parse(text);
    if (stream === true) void streamAnswer(response, model, options?.include_usage === true);
    else answer(response);
  });
});
server.keepAliveTimeout = 600_000;
server.on("connection", (socket) => socket.setNoDelay(true));
server.listen(0, "127.0.0.1", () => process.send(server.address().port));
process.once("disconnect", () => process.exit());

function answer(response) {
  const content = "Your parcel left our warehouse this morning. ".repeat(20);
  const body = JSON.stringify({
    id: "chatcmpl-BkQX3v9tVmZb7y",
    object: "chat.completion",
    created: 1795000000,
    model: "gpt-5-2025-08-07",
    choices: [{ index: 0, message: { role: "assistant", content, refusal: null }, finish_reason: "stop" }],
    usage: {
      prompt_tokens: 1200,
      completion_tokens: 160,
      total_tokens: 1360,
      prompt_tokens_details: { cached_tokens: 1024, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 64, audio_tokens: 0 },
    },
    service_tier: "default",
  });
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }).end(body);
}

async function streamAnswer(response, model, tellsUsage) {
  const [pace, count] = model.split("-");
  const usage = tellsUsage ? ',"usage":null' : "";
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  for (let index = 0; index < Number(count); index++) {
    const piece = `data: ${head}"choices":[{"index":0,"delta":{"content":" word${index % 100}"},"logprobs":null,"finish_reason":null}]${usage}}\n\n`;
    const flowing = response.write(piece);
    if (pace === "paced") await new Promise((resolve) => setImmediate(resolve));
    else if (!flowing) await new Promise((resolve) => response.once("drain", resolve));
  }
  if (tellsUsage) {
    const counts = `{"prompt_tokens":1200,"completion_tokens":${count},"total_tokens":${1200 + Number(count)}}`;
    response.write(`data: ${head}"choices":[],"usage":${counts}}\n\n`);
  }
  response.end("data: [DONE]\n\n");
}
