/**
 * A service as it is deployed: a server that meters a model call per request, its health, its orderly end. The first argument is the
 * options of `orderlyShutdown()` as JSON; `close` is a list of what a step does: `quick`, `throws` or `hangs`.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocketServer } from "ws";
import { llm, withAttribution } from "@meterbridge/core";
import { health, orderlyShutdown, type ShutdownOptions } from "@meterbridge/http";

interface Given extends Pick<ShutdownOptions, "timeoutMillis" | "drainDelayMillis"> {
  readonly close?: readonly (keyof typeof steps)[];
  /** Says goodbye to the WebSockets, as an application should. */
  readonly goodbye?: boolean;
}

const steps = {
  quick: () => console.log("closed"),
  throws: () => Promise.reject(new Error("the pool's password is hunter2")),
  hangs: () => new Promise(() => {}),
};

const { close = [], goodbye = false, ...given } = JSON.parse(process.argv[2] ?? "{}") as Given;
const state = health();
let taken = 0;

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  if (pathname.startsWith("/health")) return state.handler(request, response);
  if (pathname === "/hang") return;
  void answer(pathname, Number(searchParams.get("ms") ?? "0"));

  async function answer(path: string, milliseconds: number): Promise<void> {
    taken += 1;
    // The beginning of an answer, without `Connection: close`, before the end has begun.
    if (path === "/stream") response.write("first");
    await sleep(milliseconds);
    withAttribution({ tenant: "acme" }, () => {
      llm.record({
        provider: "openai",
        model: "gpt-5",
        inputTokens: 100,
        outputTokens: 10,
        costUsd: 0.001,
        duration: 1,
      });
    });
    response.end("last");
  }
});

const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket) => socket.on("message", (message) => socket.send(message)));

orderlyShutdown({
  servers: [server],
  health: state,
  stop: goodbye ? [() => sockets.clients.forEach((socket) => socket.close(1001))] : [],
  close: close.map((step) => steps[step]),
  ...given,
});
server.listen(0, "127.0.0.1", () => console.log(`listening ${(server.address() as AddressInfo).port}`));
process.on("exit", () => console.log(`requests taken: ${taken}`));
