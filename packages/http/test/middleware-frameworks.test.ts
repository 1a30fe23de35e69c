import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server, type Http2ServerRequest } from "node:http2";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { currentAttribution } from "@meterbridge/core";
import { Controller, Get } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { context as openTelemetry, diag, trace, TraceFlags } from "@opentelemetry/api";
import express from "express";
import Fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { requestErrors, requests as forExpress } from "../src/express.ts";
import { type FastifyRequest, requests as forFastify } from "../src/fastify.ts";
import { requests as forHono } from "../src/hono.ts";
import { requests as forKoa } from "../src/koa.ts";
import { currentRequestId } from "../src/logs.ts";
import { requests as forNode } from "../src/node.ts";
import { collectMeters, duration } from "./requests-collecting.ts";
import { keepLines } from "./support/kept-lines.ts";

test("an Express router that is mounted with a parameter is logged by its template, not by its tenants' names", async () => {
  const { logger, lines } = keepLines();
  const app = express();
  app.use(forExpress({ logger }));
  const router = express.Router({ mergeParams: true });
  router.get("/orders/:order", (_request, response) => void response.json({}));
  app.use("/tenants/:tenant", router);
  const url = await listen(createServer(app));
  await (await fetch(`${url}/tenants/canary/orders/5`)).text();
  await until(() => lines().length === 1, "the line");
  expect(lines()[0]).toMatchObject({ route: "/tenants/:tenant/orders/:order" });
});

test("an error that Express answers by 404 or 400 is the client's, and no failure", async () => {
  const { logger, lines } = keepLines();
  const app = express();
  app.set("env", "test");
  app.use(forExpress({ logger }), express.json());
  app.post("/orders", (_request, response) => void response.json({}));
  app.use(requestErrors());
  const url = await listen(createServer(app));
  const headers = { "content-type": "application/json" };
  expect((await fetch(`${url}/orders`, { method: "POST", headers, body: "{not json" })).status).toBe(400);
  await until(() => lines().length === 1, "the line");
  expect(lines()[0]).toMatchObject({ level: "info", message: "request completed", status: 400 });
});

test("what breaks an answer of Express half-way is in the line of the failed request", async () => {
  const { logger, lines } = keepLines();
  const app = express();
  app.set("env", "test");
  app.use(forExpress({ logger }));
  app.get("/report", async (_request, response) => {
    response.write("begun");
    await sleep(1);
    throw new Error("the report broke");
  });
  app.use(requestErrors());
  const url = await listen(createServer(app));
  await expect((await fetch(`${url}/report`)).text()).rejects.toThrow("terminated");
  await until(() => lines().length === 1, "the line");
  expect(lines()[0]).toMatchObject({ level: "error", status: 200, exception: { message: "the report broke" } });
});

test("a request that comes through two of our middlewares is one request, with the later attribution over the first", async () => {
  const meters = collectMeters();
  const { logger, lines } = keepLines();
  const app = express();
  const router = express.Router();
  app.use(forExpress({ logger, attribution: () => ({ tenant: "outer", project: "p" }) }));
  router.use(forExpress({ logger, attribution: () => ({ tenant: "inner" }) }));
  router.get("/x", (_request, response) => void response.json({ id: currentRequestId(), ...currentAttribution() }));
  app.use("/api", router);
  const url = await listen(createServer(app));
  const response = await fetch(`${url}/api/x`);
  const id = response.headers.get("x-request-id");
  expect(await response.json()).toEqual({ id, tenant: "inner", project: "p" });
  await meters.reaches(duration, 1);
  await sleep(20);
  expect(lines()).toHaveLength(1);
});

test("the lines of a request carry the trace that it is part of", async () => {
  collectMeters();
  const { logger, lines } = keepLines({ level: "debug" });
  const span = {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    traceFlags: TraceFlags.SAMPLED,
  };
  const app = express();
  app.use((_request, _response, next) => openTelemetry.with(trace.setSpanContext(openTelemetry.active(), span), next));
  app.use(forExpress({ logger }));
  app.get("/", (_request, response) => void response.json({}));
  const url = await listen(createServer(app));
  await (await fetch(url)).text();
  await until(() => lines().length === 2, "the lines");
  for (const line of lines()) expect(line).toMatchObject({ trace_id: span.traceId, span_id: span.spanId });
});

test("hostile attributions become short texts in the lines, with and without a context manager", async () => {
  const { logger, lines } = keepLines();
  const hostile = { tenant: "t".repeat(10_000), user: 7, project: { password: "canary" }, employee: "a\u2028\nb" };
  const app = express();
  app.use(forExpress({ logger, attribution: () => hostile as never }));
  app.get("/", (_request, response) => void response.json({}));
  const url = await listen(createServer(app));
  await (await fetch(url)).text();
  collectMeters();
  await (await fetch(url)).text();
  await until(() => lines().length === 2, "the lines");
  for (const line of lines()) {
    expect(line).toMatchObject({ tenant: "t".repeat(255), user_id: "7", employee: "a\u2028\nb" });
    expect(JSON.stringify(line)).not.toContain("canary");
  }
});

test("what runs at the end of an answer, and after a body was read in pieces, still knows its request", async () => {
  collectMeters();
  const known: object[] = [];
  const know = (where: string): void => void known.push({ where, id: currentRequestId(), ...currentAttribution() });
  const app = express();
  app.use(forExpress({ attribution: async () => ({ tenant: "acme" }) }));
  app.all("/", (request, response) => {
    response.on("finish", () => know("finish"));
    request.on("data", () => know("data"));
    request.on("end", () => {
      know("end");
      setTimeout(() => response.json({}), 1);
    });
    request.resume();
  });
  const url = await listen(createServer(app));
  const body = new Blob(["x".repeat(200_000)]).stream();
  const id = { "x-request-id": "r-1" };
  await (await fetch(url, { method: "POST", headers: id, body, duplex: "half" })).text();
  await until(() => known.some((each) => "where" in each && each.where === "finish"), "the end");
  expect(known.length).toBeGreaterThan(3);
  for (const each of known) expect(each).toMatchObject({ id: "r-1", tenant: "acme" });
});

test("a stream that Koa answers with is made on behalf of its request", async () => {
  collectMeters();
  const known: object[] = [];
  const app = new Koa();
  app.use(forKoa({ attribution: () => ({ tenant: "acme" }) }));
  app.use((context) => {
    context.body = Readable.from(
      (async function* () {
        for (const piece of ["a", "b", "c"]) {
          known.push({ id: currentRequestId(), ...currentAttribution() });
          yield piece;
          await sleep(1);
        }
      })(),
    );
  });
  const answer = app.callback();
  const url = await listen(createServer((request, response) => void answer(request, response)));
  expect(await (await fetch(url, { headers: { "x-request-id": "r-1" } })).text()).toBe("abc");
  expect(known).toEqual(Array.from({ length: 3 }, () => ({ id: "r-1", tenant: "acme" })));
});

test("a Nest application is one on Express: its controllers know their request, and its lines have their routes", async () => {
  collectMeters();
  const { logger, lines } = keepLines();
  class Orders {
    get(): object {
      return { id: currentRequestId(), ...currentAttribution() };
    }
  }
  // By hand, since decorators are no part of the language yet.
  Get(":order")(Orders.prototype, "get", Object.getOwnPropertyDescriptor(Orders.prototype, "get") ?? {});
  Controller("orders")(Orders);
  const app = await NestFactory.create({ module: Orders, controllers: [Orders] }, { logger: false });
  app.use(forExpress({ logger, attribution: () => ({ tenant: "acme" }) }));
  await app.listen(0, "127.0.0.1");
  onTestFinished(() => app.close());
  const { port } = app.getHttpServer().address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/orders/5`, { headers: { "x-request-id": "n-1" } });
  expect(await response.json()).toEqual({ id: "n-1", tenant: "acme" });
  await until(() => lines().length === 1, "the line");
  expect(lines()[0]).toMatchObject({ request_id: "n-1", tenant: "acme", route: "/orders/:order", status: 200 });
});

test("the Fastify plugin holds for routes outside of it, and its options are refused at the start", async () => {
  const app = Fastify();
  await app.register(forFastify, { attribution: (request: FastifyRequest) => ({ user: request.raw.method ?? "" }) });
  app.get("/outside", () => ({ id: currentRequestId(), ...currentAttribution() }));
  collectMeters();
  const answer = await app.inject({ url: "/outside", headers: { "x-request-id": "i-1" } });
  expect(answer.json()).toEqual({ id: "i-1", user: "GET" });
  expect(answer.headers["x-request-id"]).toBe("i-1");
  await app.close();

  const refused = Fastify();
  refused.register(forFastify, { attribution: "tenant" as never });
  await expect(refused.ready()).rejects.toThrow(/option "attribution" must be a function/);
});

test("Fastify writes its own lines with a logger of ours, under the request's id and without headers and queries", async () => {
  const { logger, lines } = keepLines();
  const app = Fastify({ loggerInstance: logger });
  await app.register(forFastify);
  app.get("/users/:id", (request) => {
    request.log.info("in the handler");
    return {};
  });
  const headers = { authorization: "Bearer canary-header-1234567890", "x-request-id": "i-2" };
  await app.inject({ url: "/users/1?secret=canary-query", headers });
  expect(lines()).toContainEqual(expect.objectContaining({ message: "in the handler", request_id: "i-2" }));
  expect(JSON.stringify(lines())).not.toContain("canary");
  await app.close();
});

test("Hono without node:http has its requests metered, identified and logged, too", async () => {
  const meters = collectMeters();
  const { logger, lines } = keepLines();
  const app = new Hono();
  app.use(forHono({ logger, attribution: async () => ({ tenant: "acme" }) }));
  app.get("/users/:id", async (context) => {
    await sleep(1);
    return context.json({ id: currentRequestId(), ...currentAttribution() });
  });
  app.all("/any/*", (context) => context.text("any"));
  app.get("/throws", () => {
    throw new Error("no");
  });
  app.onError((_error, context) => context.text("sorry", 500));
  const answer = await app.request("/users/7?q=canary");
  const id = answer.headers.get("x-request-id");
  expect(await answer.json()).toEqual({ id, tenant: "acme" });
  for (const path of ["/any/thing", "/nowhere", "/throws"]) await app.request(path);
  expect(lines().map(({ message, route, status }) => ({ message, route, status }))).toEqual([
    { message: "request completed", route: "/users/:id", status: 200 },
    { message: "request completed", route: "/any/*", status: 200 },
    { message: "request completed", route: undefined, status: 404 },
    { message: "request failed", route: "/throws", status: 500 },
  ]);
  expect(lines()[3]).toMatchObject({ exception: { type: "Error", message: "no" } });
  await meters.reaches(duration, 1, { "http.route": "/users/:id" });
  await meters.reaches(duration, 4);
});

test("HTTP/2 requests have an id, an attribution and a line", async () => {
  const { logger, lines } = keepLines();
  const handler = forNode<Http2ServerRequest, never>(
    { logger, attribution: () => ({ tenant: "acme" }) },
    (_, response) => {
      (response as { end(text: string): void }).end(
        JSON.stringify({ id: currentRequestId(), ...currentAttribution() }),
      );
    },
  );
  collectMeters();
  const server = createHttp2Server((request, response) => handler(request, response as never));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  const request = client.request({ ":path": "/", "x-request-id": "h2" });
  const [headers] = await once(request, "response");
  let body = "";
  request.on("data", (chunk: Buffer) => (body += chunk.toString()));
  await once(request, "end");
  expect(headers["x-request-id"]).toBe("h2");
  expect(JSON.parse(body)).toEqual({ id: "h2", tenant: "acme" });
  await until(() => lines().length === 1, "the line");
  expect(lines()[0]).toMatchObject({ request_id: "h2", tenant: "acme", status: 200, message: "request completed" });
});

test("a handler of node:http that fails is told on diag where there is no logger, since nobody else would", async () => {
  const told: string[] = [];
  const tell = (message: string): void => void told.push(message);
  diag.setLogger({ error: tell, warn: tell, info: tell, debug() {}, verbose() {} }, { suppressOverrideMessage: true });
  onTestFinished(() => diag.disable());
  const url = await listen(
    createServer(
      forNode({}, (_request, response) => {
        response.setHeader("content-length", "5");
        throw new Error("broken");
      }),
    ),
  );
  const answer = await fetch(url);
  expect(answer.status).toBe(500);
  expect(await answer.text()).toBe("the request failed\n");
  expect(told).toContainEqual(
    expect.stringContaining("the handler of a request failed, 500 was answered: Error: broken"),
  );
});

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
