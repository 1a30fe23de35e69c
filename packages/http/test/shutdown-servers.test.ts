import { createServer, Agent, get as httpGet, type IncomingMessage } from "node:http";
import { connect as connectHttp2, createSecureServer, createServer as createHttp2Server } from "node:http2";
import { Agent as HttpsAgent, createServer as createHttpsServer, get as httpsGet } from "node:https";
import { type AddressInfo, createServer as createTcpServer, connect as connectTcp, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { serve } from "@hono/node-server";
import { diag } from "@opentelemetry/api";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { afterEach, describe, expect, test } from "vitest";
import { health, type OrderlyShutdown, orderlyShutdown, type ShutdownOptions } from "@meterbridge/http";
import { until } from "../../../test/support/servers.ts";
import { certificate } from "./requests-certificate.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const slow = 600;

describe("a request in progress is answered to the end, and the next is not taken,", () => {
  test.each<[string, () => Promise<Running>]>([
    ["under node:http", async () => running(createServer((_request, response) => void respond(response)))],
    [
      "under node:https",
      async () =>
        running(
          createHttpsServer(await certificate(), (_request, response) => void respond(response)),
          "https",
        ),
    ],
    [
      "under Express",
      async () => running(createServer(express().get("/", (_request, response) => void respond(response)))),
    ],
    [
      "under Hono",
      async () => {
        const application = new Hono().get("/", async (context) => {
          await sleep(slow);
          return context.text("done");
        });
        const server = serve({ fetch: application.fetch, port: 0, hostname: "127.0.0.1" }) as Server;
        await until(() => server.listening, "Hono's server to listen");
        return await running(server);
      },
    ],
    [
      "under Fastify, whose own end is a step",
      async () => {
        const application = fastify();
        application.get("/", async () => {
          await sleep(slow);
          return "done";
        });
        await application.listen({ port: 0, host: "127.0.0.1" });
        return await running(application.server, "http", { close: [() => application.close()] });
      },
    ],
  ])("%s", async (_which, start) => {
    const { url, end } = await start();
    const agent = url.startsWith("https")
      ? new HttpsAgent({ keepAlive: true, rejectUnauthorized: false })
      : new Agent({ keepAlive: true });
    cleanups.push(() => agent.destroy());
    // A connection that is kept, and rests.
    const warm = [ask(url, agent), ask(url, agent)];
    await Promise.all(warm);
    const inProgress = ask(url, agent);
    await sleep(100);
    const report = end.shutdown();
    expect(await inProgress).toEqual({ status: 200, connection: "close", body: "done" });
    await expect(ask(url, agent)).rejects.toThrow("ECONNREFUSED");
    expect(await report).toMatchObject({ isComplete: true, connectionsCut: 0 });
    // Less than the five seconds for which a kept connection holds the server's own close().
    expect((await report).durationMillis).toBeLessThan(4000);
  });

  test.each([
    ["in the clear", async () => running(createHttp2Server((_request, response) => void respond(response)))],
    [
      "with TLS",
      async () =>
        running(
          createSecureServer(await certificate(), (_request, response) => void respond(response)),
          "https",
        ),
    ],
  ])("under node:http2 %s, though its session is kept", async (_how, start) => {
    const { url, end } = await start();
    const session = connectHttp2(url, { rejectUnauthorized: false });
    cleanups.push(() => session.destroy());
    session.on("error", () => {});
    const goaway = new Promise<number>((resolve) => session.once("goaway", resolve));
    const first = session.request({ ":path": "/" });
    const second = session.request({ ":path": "/" });
    await sleep(150);
    const report = end.shutdown();
    expect(await Promise.all([bodyOf(first), bodyOf(second)])).toEqual(["done", "done"]);
    expect(await goaway).toBe(0);
    expect(await report).toMatchObject({ isComplete: true, connectionsCut: 0 });
  });
});

describe("whatever kind of server", () => {
  test("several are ended at once, and one that does not listen is no obstacle", async () => {
    const one = createServer((_request, response) => void respond(response));
    const other = createServer((_request, response) => void respond(response));
    const { url } = await running(one);
    const { url: otherUrl } = await running(other);
    const end = orderlyShutdown({ servers: [one, other, createServer()], signals: [] });
    const answers = [ask(url), ask(otherUrl)];
    await sleep(100);
    const report = end.shutdown();
    expect(await Promise.all(answers)).toMatchObject([{ body: "done" }, { body: "done" }]);
    expect(await report).toMatchObject({ isComplete: true });
    expect((await report).durationMillis).toBeLessThan(2 * slow + 1000);
  });

  test("a connection of plain TCP is left to end, and cut off when it does not", async () => {
    const server = createTcpServer((socket) => socket.on("error", () => {}));
    const { url, end } = await running(server, "http", { timeoutMillis: 1000 });
    const client = connectTcp(Number(new URL(url).port), "127.0.0.1");
    client.on("error", () => {});
    const closed = new Promise((resolve) => client.once("close", resolve));
    await until(() => !client.connecting, "the client to connect");
    expect(await end.shutdown()).toMatchObject({ isComplete: false, connectionsCut: 1 });
    await closed;
  });

  test("requests that nobody upgrades are answered as they are without us", async () => {
    const server = createServer((_request, response) => response.end("plain"));
    const { url } = await running(server);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { connection: "Upgrade", upgrade: "websocket" };
      httpGet(url, { headers }, resolve).on("error", reject);
    });
    answer.resume();
    expect(answer.statusCode).toBe(200);
  });
});

describe("called by the application", () => {
  test("it may be called twice, gives one report, and leaves no listener behind", async () => {
    const before = process.listenerCount("SIGTERM");
    const { end } = await running(createServer(), "http", { signals: ["SIGTERM", "SIGINT"] });
    expect(process.listenerCount("SIGTERM")).toBe(before + 1);
    expect(end.shutdown()).toBe(end.shutdown());
    expect(await end.shutdown()).toEqual({ isComplete: true, connectionsCut: 0, durationMillis: expect.any(Number) });
    expect(process.listenerCount("SIGTERM")).toBe(before);
  });

  test("steps are taken in order: what takes work, the requests, what is closed, the SDK, what the SDK needs", async () => {
    const steps: string[] = [];
    const step =
      (name: string, milliseconds = 0) =>
      async (): Promise<void> => {
        await sleep(milliseconds);
        steps.push(name);
      };
    const state = health();
    const server = createServer((_request, response) => {
      void sleep(300).then(() => {
        steps.push(`request while ${state.state}`);
        response.end();
      });
    });
    const { url } = await running(server);
    const end = orderlyShutdown({
      servers: [server],
      health: state,
      stop: [step("stop")],
      close: [step("close 1", 50), step("close 2")],
      sdk: { shutdown: step("sdk", 50) },
      closeLast: [step("pool")],
      signals: [],
    });
    const answer = ask(url);
    await sleep(100);
    expect(await end.shutdown()).toMatchObject({ isComplete: true });
    await answer;
    expect(steps).toEqual(["stop", "request while draining", "close 1", "close 2", "sdk", "pool"]);
  });

  test("an SDK that hangs costs its share alone, and what comes after it is still closed", async () => {
    let isClosed = false;
    const end = orderlyShutdown({
      servers: [],
      timeoutMillis: 900,
      sdk: { shutdown: () => new Promise(() => {}) },
      closeLast: [() => void (isClosed = true)],
      signals: [],
    });
    const { isComplete, durationMillis } = await end.shutdown();
    expect([isComplete, isClosed]).toEqual([false, true]);
    expect(durationMillis).toBeLessThan(900 + 500);
  });
});

test("neither a health nor a logger that throws keeps the process from its end", async () => {
  const raise = (): never => {
    throw new Error("the application's own fault");
  };
  diag.setLogger({ error: raise, warn: raise, info: raise, debug() {}, verbose() {} });
  cleanups.push(() => diag.disable());
  let isClosed = false;
  const end = orderlyShutdown({
    servers: [],
    health: { draining: raise },
    close: [raise, () => void (isClosed = true)],
    signals: [],
  });
  expect(await end.shutdown()).toMatchObject({ isComplete: false });
  expect(isClosed).toBe(true);
});

describe("an option that is wrong", () => {
  test.each<[string, object, string]>([
    ["no servers", {}, 'option "servers" is missing'],
    [
      "an application instead of its server",
      { servers: [express()] },
      'option "servers.0" must be a server of Node.js, found a function',
    ],
    [
      "a delay that leaves nothing",
      { servers: [], drainDelayMillis: 9000 },
      'option "drainDelayMillis" is part of "timeoutMillis"',
    ],
    [
      "a promise instead of a step",
      { servers: [], close: [Promise.resolve()] },
      'option "close.0" must be a function, found an object',
    ],
    [
      "no signal",
      { servers: [], signals: ["TERM"] },
      'option "signals.0" must be a list of signals, such as SIGTERM, found "TERM"',
    ],
    ["a misspelt one", { servers: [], timeout: 1 }, 'option "timeout" is unknown, the options are servers, health'],
    ["what is no health", { servers: [], health: {} }, 'option "health.draining" is missing'],
  ])("throws at the start: %s", (_what, options, message) => {
    expect(() => orderlyShutdown(options as ShutdownOptions)).toThrow(message);
  });
});

interface Running {
  readonly url: string;
  readonly end: OrderlyShutdown;
}

async function running(
  server: Server,
  protocol: "http" | "https" = "http",
  options: Partial<ShutdownOptions> = {},
): Promise<Running> {
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => server.close(() => {}));
  const end = orderlyShutdown({ servers: [server], signals: [], ...options });
  cleanups.push(() => end.remove());
  return { url: `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}`, end };
}

async function respond(response: { end(body: string): unknown }): Promise<void> {
  await sleep(slow);
  response.end("done");
}

function ask(
  url: string,
  agent?: Agent,
): Promise<{ status: number | undefined; connection: string | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const get = url.startsWith("https") ? httpsGet : httpGet;
    get(url, agent === undefined ? {} : { agent }, (response: IncomingMessage) => {
      void bodyOf(response).then(
        (body) => resolve({ status: response.statusCode, connection: response.headers.connection, body }),
        reject,
      );
    }).on("error", reject);
  });
}

async function bodyOf(stream: AsyncIterable<Buffer>): Promise<string> {
  let body = "";
  for await (const chunk of stream) body += chunk.toString();
  return body;
}
