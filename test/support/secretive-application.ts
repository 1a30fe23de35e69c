/**
 * An application that hands its secrets to everything it can: prompts and keys to recorders, tokens in headers and queries of requests to its
 * own server. It prints `ready`, and ends when it is told to by a signal.
 */
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { llm, session, task, tool, users, withAttribution, workflow } from "@meterbridge/core";

// One for each way, so that it can be seen which of them leads out.
const canary = (way: string): string => `${process.env["CANARY"] ?? ""}-${way}`;

const target = {
  provider: "openai",
  model: "gpt-5",
  prompt: canary("prompt"),
  messages: [{ role: "user", content: canary("message") }],
  apiKey: canary("key"),
  headers: { authorization: `Bearer ${canary("header")}` },
};

await withAttribution(
  { tenant: "acme", employee: "ada", apiKey: canary("attribution") } as { tenant: string },
  async () => {
    await llm.measure(target, () =>
      Promise.resolve({
        model: "gpt-5",
        choices: [
          { message: { content: canary("answer"), tool_calls: [{ function: { arguments: canary("arguments") } }] } },
        ],
        usage: { prompt_tokens: 10, completion_tokens: 5, secret: canary("usage") },
      }),
    );
    const failing = Object.assign(new Error(`401 for ${canary("error")}`), {
      headers: { authorization: canary("failed") },
    });
    await llm.measure(target, () => Promise.reject(failing)).catch(() => {});
    await task.measure("ticket", () => Promise.reject(failing)).catch(() => {});
    await tool.measure("search", () => Promise.reject(failing)).catch(() => {});
    await workflow.measure("support", () => Promise.reject(failing)).catch(() => {});
    llm.record({ ...target, inputTokens: 1, outputTokens: 1, duration: 1, completion: canary("completion") } as never);
    users.seen("ada");
    session.start().end();
  },
);

const server = createServer((_request, response) => response.end("ok"));
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;
await new Promise<void>((resolve, reject) => {
  const sent = request(
    {
      port,
      host: "127.0.0.1",
      path: `/orders?token=${canary("query")}`,
      headers: { authorization: `Bearer ${canary("authorization")}`, cookie: `session=${canary("cookie")}` },
    },
    (answer) => answer.resume().on("end", resolve),
  );
  sent.on("error", reject);
  sent.end();
});
console.log("ready");
