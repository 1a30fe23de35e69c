import { createServer, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { serve } from "@hono/node-server";
import { Router } from "@koa/router";
import { currentAttribution } from "@meterbridge/core";
import express from "express";
import Fastify from "fastify";
import { Hono } from "hono";
import { stream } from "hono/streaming";
import Koa from "koa";
import { requestErrors, requests as forExpress } from "../../src/express.ts";
import { requests as forFastify } from "../../src/fastify.ts";
import { requests as forHono } from "../../src/hono.ts";
import { requests as forKoa } from "../../src/koa.ts";
import { currentRequestId, type RequestsOptions, requests as forNode, setRoute } from "../../src/node.ts";

/** The options of one middleware, whose callback is given the headers, wherever the framework keeps them. */
export interface ContractOptions extends Omit<RequestsOptions<unknown>, "attribution"> {
  readonly attribution?: (headers: Headers) => ReturnType<NonNullable<RequestsOptions<unknown>["attribution"]>>;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

export interface StartedServer {
  readonly server: Server;
  close(): Promise<void>;
}

/**
 * One application in each framework: `/users/:id` answers what it knows of its request, `/echo` the same once it has read the body,
 * `/stream` while its answer is under way; `/throws` and `/rejects` fail; `/waits` begins an answer and never ends it.
 */
export const frameworks: Readonly<Record<string, (options: ContractOptions) => Promise<StartedServer>>> = {
  express: startExpress,
  fastify: startFastify,
  hono: startHono,
  koa: startKoa,
  "node:http": startNode,
};

/** What code deep in a request knows of it. */
function known(): object {
  return { requestId: currentRequestId(), ...currentAttribution() };
}

const failure = "connect to postgres://app:canary-password@db failed";

async function later(): Promise<object> {
  await sleep(1);
  return known();
}

async function fail(): Promise<never> {
  await sleep(1);
  throw new Error(failure);
}

function failAtOnce(): never {
  throw new Error(failure);
}

async function startExpress({ attribution, ...options }: ContractOptions): Promise<StartedServer> {
  const app = express();
  app.set("env", "test");
  app.use(forExpress({ ...options, ...(attribution && { attribution: (request) => attribution(request.headers) }) }));
  app.use(express.json());
  const users = express.Router();
  users.get("/:id", (_request, response) => later().then((body) => response.json(body)));
  app.use("/users", users);
  app.post("/echo", (_request, response) => void response.json(known()));
  app.get("/stream", (_request, response) => {
    response.write("");
    setTimeout(() => response.end(JSON.stringify(known())), 1);
  });
  app.get("/throws", failAtOnce);
  app.get("/rejects", () => fail());
  app.get("/waits", (_request, response) => void response.write("begun"));
  app.get("/health", (_request, response) => void response.json({}));
  app.use(requestErrors());
  return listen(createServer(app));
}

async function startFastify({ attribution, ...options }: ContractOptions): Promise<StartedServer> {
  const app = Fastify();
  app.register(forFastify, {
    ...options,
    ...(attribution && { attribution: (request) => attribution(request.raw.headers) }),
  });
  app.register(async (users) => void users.get("/:id", () => later()), { prefix: "/users" });
  app.post("/echo", () => known());
  app.get("/stream", (_request, reply) => {
    reply.raw.write("");
    setTimeout(() => reply.raw.end(JSON.stringify(known())), 1);
    return reply.hijack();
  });
  app.get("/throws", failAtOnce);
  app.get("/rejects", () => fail());
  app.get("/waits", (_request, reply) => {
    reply.raw.write("begun");
    return reply.hijack();
  });
  app.get("/health", () => ({}));
  await app.ready();
  const { server } = app;
  await app.listen({ port: 0, host: "127.0.0.1" });
  return { server, close: () => (server.closeAllConnections(), app.close()) };
}

async function startHono({ attribution, ...options }: ContractOptions): Promise<StartedServer> {
  const app = new Hono();
  app.use(
    forHono({
      ...options,
      ...(attribution && { attribution: (context) => attribution(Object.fromEntries(context.req.raw.headers)) }),
    }),
  );
  const users = new Hono();
  users.get("/:id", async (context) => context.json(await later()));
  app.route("/users", users);
  app.post("/echo", async (context) => {
    await context.req.text();
    return context.json(known());
  });
  app.get("/stream", (context) =>
    stream(context, async (answer) => {
      await sleep(1);
      await answer.write(JSON.stringify(known()));
    }),
  );
  app.get("/throws", failAtOnce);
  app.get("/rejects", () => fail());
  app.get("/waits", (context) =>
    stream(context, async (answer) => {
      await answer.write("begun");
      await new Promise(() => {});
    }),
  );
  app.get("/health", (context) => context.json({}));
  app.onError((_error, context) => context.text("sorry", 500));
  const server = await new Promise<Server>((resolve) => {
    const made = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, () => resolve(made as Server));
  });
  return { server, close: () => closeServer(server) };
}

async function startKoa({ attribution, ...options }: ContractOptions): Promise<StartedServer> {
  const app = new Koa();
  app.silent = true;
  app.use(forKoa({ ...options, ...(attribution && { attribution: (context) => attribution(context.req.headers) }) }));
  const router = new Router();
  router.get("/users/:id", async (context) => void (context.body = await later()));
  router.post("/echo", async (context) => {
    context.body = await new Promise((resolve) => {
      context.req.on("data", () => {});
      context.req.on("end", () => resolve(known()));
    });
  });
  router.get("/stream", (context) => {
    context.respond = false;
    context.status = 200;
    context.res.write("");
    setTimeout(() => context.res.end(JSON.stringify(known())), 1);
  });
  router.get("/throws", failAtOnce);
  router.get("/rejects", () => fail());
  router.get("/waits", (context) => {
    context.respond = false;
    context.status = 200;
    context.res.write("begun");
  });
  router.get("/health", (context) => void (context.body = {}));
  app.use(router.routes());
  const answer = app.callback();
  return listen(createServer((request, response) => void answer(request, response)));
}

async function startNode({ attribution, ...options }: ContractOptions): Promise<StartedServer> {
  const handler = forNode(
    { ...options, ...(attribution && { attribution: (request) => attribution(request.headers) }) },
    async (request, response) => {
      const path = request.url?.split("?")[0] ?? "";
      const json = (body: object): void => void response.end(JSON.stringify(body));
      if (path.startsWith("/users/")) {
        setRoute(request, "/users/:id");
        return json(await later());
      }
      if (["/echo", "/stream", "/throws", "/rejects", "/waits", "/health"].includes(path)) setRoute(request, path);
      switch (path) {
        case "/echo":
          request.on("data", () => {});
          request.on("end", () => json(known()));
          return;
        case "/stream":
          response.write("");
          setTimeout(() => json(known()), 1);
          return;
        case "/throws":
          return failAtOnce();
        case "/rejects":
          return fail();
        case "/waits":
          return void response.write("begun");
        case "/health":
          return json({});
        default:
          response.statusCode = 404;
          return json({});
      }
    },
  );
  return listen(createServer(handler));
}

async function listen(server: Server): Promise<StartedServer> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, close: () => closeServer(server) };
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
