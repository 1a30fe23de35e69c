import { connect, constants, createServer as createHttp2 } from "node:http2";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { usageApi } from "@meterbridge/http";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { adminToken, askRaw, listen, tokens } from "./support/usage-client.ts";
import { runSdk, usageEvent, type TestSdk } from "./support/usage-sdk.ts";

const path = "/api/v1/metrics";
const closing: (() => unknown)[] = [];
let sdk: TestSdk;

beforeAll(async () => (sdk = await runSdk({ events: [usageEvent()] })));
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
afterAll(async () => await sdk.stop());

const api = () => usageApi({ basePath: path });
const apiWithTokens = () => usageApi({ basePath: path, tokens });

const servers: Readonly<Record<string, () => Promise<string>>> = {
  async "node:http"() {
    return await listening(api().handler);
  },
  async Express() {
    const app = express();
    app.use(path, api().handler);
    return await listening(app);
  },
  async "Express, without basePath"() {
    const app = express();
    app.use(path, usageApi().handler);
    return await listening(app);
  },
  async Fastify() {
    const app = fastify();
    const { handler } = api();
    app.all(`${path}/*`, (request, reply) => {
      reply.hijack();
      handler(request.raw, reply.raw);
    });
    closing.push(() => app.close());
    return await app.listen({ port: 0, host: "127.0.0.1" });
  },
  async Koa() {
    const app = new Koa();
    const { handler } = api();
    app.use((context, next) => {
      if (!context.path.startsWith(`${path}/`)) return next();
      context.respond = false;
      handler(context.req, context.res);
    });
    const answer = app.callback();
    return await listening((request, response) => void answer(request, response));
  },
  async Hono() {
    const app = new Hono();
    const { fetch } = apiWithTokens();
    app.all(`${path}/*`, (context) => fetch(context.req.raw));
    return await onHono(app);
  },
  async "Hono, mounted"() {
    const app = new Hono();
    app.mount(path, apiWithTokens().fetch);
    return await onHono(app);
  },
};

describe.each(Object.entries(servers))("on %s", (name, start) => {
  const headers = name.startsWith("Hono") ? { authorization: `Bearer ${adminToken}` } : {};

  test("every route is below the path where it is mounted, with its query", async () => {
    const url = await start();
    const timeline = await askRaw(`${url}${path}/timeline?step=week&days=14`, headers);
    expect([timeline.status, JSON.parse(timeline.text)]).toMatchObject([200, { step: "week", days: 14 }]);
    expect((await askRaw(`${url}${path}/health/prometheus`, headers)).status).toBe(200);
    expect((await askRaw(`${url}${path}/summary/`, headers)).status).toBe(200);
    expect(await askRaw(`${url}${path}/timeline?days=0`, headers)).toMatchObject({ status: 400 });
    const nothing = await askRaw(`${url}${path}/nothing`, headers);
    expect([nothing.status, nothing.headers["content-type"]]).toEqual([404, "application/json; charset=utf-8"]);
  });

  test("HEAD has no body, and DELETE is refused", async () => {
    const url = await start();
    expect(await askRaw(`${url}${path}/overview`, headers, "HEAD")).toMatchObject({ status: 200, text: "" });
    expect(await askRaw(`${url}${path}/overview`, headers, "DELETE")).toMatchObject({ status: 405 });
  });
});

test("a page on the server that speaks Request and Response needs a token: nobody says who connects", async () => {
  const app = new Hono();
  app.mount(path, api().fetch);
  expect(await askRaw(`${await onHono(app)}${path}/overview`)).toMatchObject({ status: 403 });
});

test("HTTP/2 is answered as HTTP/1.1 is, its authority taken for the host", async () => {
  const { handler } = api();
  const server = createHttp2((request, response) => handler(request as never, response as never));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  closing.push(() => new Promise((resolve) => void server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const ask = async (authority: string): Promise<number> => {
    const session = connect(`http://127.0.0.1:${port}`);
    try {
      return await new Promise((resolve, reject) => {
        const stream = session.request({
          [constants.HTTP2_HEADER_PATH]: `${path}/overview`,
          [constants.HTTP2_HEADER_AUTHORITY]: authority,
        });
        stream.on("response", (headers) => resolve(Number(headers[constants.HTTP2_HEADER_STATUS])));
        stream.on("error", reject);
        stream.resume();
      });
    } finally {
      session.close();
    }
  };
  expect(await ask(`localhost:${port}`)).toBe(200);
  expect(await ask("evil.example")).toBe(403);
});

async function listening(listener: Parameters<typeof listen>[0]): Promise<string> {
  const server = await listen(listener);
  closing.push(() => server.close());
  return server.url;
}

async function onHono(app: Hono): Promise<string> {
  return await new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => {
      resolve(`http://127.0.0.1:${port}`);
    });
    closing.push(() => new Promise((done) => void server.close(done)));
  });
}
