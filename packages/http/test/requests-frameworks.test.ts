import { Controller, Get, Param } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import fastify from "fastify";
import Koa from "koa";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { connect } from "node:http2";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { setRoute } from "../src/requests.ts";
import { active, duration, get, listening, meterRequests, type Meters } from "./requests-collecting.ts";

const express4 = createRequire(import.meta.url)("express-4") as typeof express;

/** The routes of the requests so far, with how many took each. */
async function routes(meters: Meters, requests: number): Promise<Record<string, number>> {
  await meters.reaches(duration, requests);
  expect(await meters.total(active)).toBe(0);
  const found: Record<string, number> = {};
  for (const { attributes, value } of await meters.series(duration)) {
    const route = typeof attributes["http.route"] === "string" ? attributes["http.route"] : "none";
    found[route] = (found[route] ?? 0) + value;
  }
  return found;
}

describe.each([
  ["Express 5", express],
  ["Express 4", express4],
])("%s", (_name, make) => {
  const ok: RequestHandler = (_request, response) => void response.send("ok");

  async function serve(build: (app: Express) => void): Promise<{ meters: Meters; ask: typeof get; url: string }> {
    const meters = meterRequests();
    const app = make();
    build(app);
    const url = await listening(createServer(app));
    return { meters, ask: (where, options) => get(url + where, options), url };
  }

  test("a route is its template, also when it is asked for by a value that is in the path twice", async () => {
    const { meters, ask } = await serve((app) => {
      app.get("/", ok);
      app.get("/users/:id", ok);
      app.post("/users/:id/files/:file", ok);
    });
    await ask("/");
    for (const id of ["42", "ada%20l", "users", ":id"]) await ask(`/users/${id}?x=1`);
    await ask("/users/42/files/42", { method: "POST" });
    expect(await routes(meters, 6)).toEqual({ "/": 1, "/users/:id": 4, "/users/:id/files/:file": 1 });
  });

  test("the values of a mounted router's parameters are never in the route", async () => {
    const { meters, ask } = await serve((app) => {
      const users = make.Router({ mergeParams: true });
      users.get("/", ok);
      users.get("/:user", ok);
      const tenants = make.Router();
      tenants.use("/:tenant/users", users);
      tenants.get("/:tenant", ok);
      app.use("/api/tenants", tenants);
      app.use("/t/:tenant", users);
    });
    for (const tenant of ["acme", "umbrella", "users", "a%2Fb", "tenants"]) {
      await ask(`/api/tenants/${tenant}/users/7`);
      await ask(`/api/tenants/${tenant}/users/`);
      await ask(`/api/tenants/${tenant}`);
      await ask(`/t/${tenant}/7`);
    }
    expect(await routes(meters, 20)).toEqual({
      "/api/tenants/:tenant/users/:user": 5,
      "/api/tenants/:tenant/users": 5,
      "/api/tenants/:tenant": 5,
      "/t/:tenant/:user": 5,
    });
  });

  test("two thousand tenants of a mounted router are one series", async () => {
    const { meters, ask } = await serve((app) => {
      const users = make.Router({ mergeParams: true });
      users.get("/:user", ok);
      app.use("/t/:tenant", users);
    });
    for (let index = 0; index < 2_000; index++) await ask(`/t/tenant${index}/1`);
    expect(await routes(meters, 2_000)).toEqual({ "/t/:tenant/:user": 2_000 });
  });

  test("a mount asked for in another case is the same route, so that no client makes routes", async () => {
    const { meters, ask } = await serve((app) => {
      const things = make.Router({ mergeParams: true });
      things.get("/:thing", ok);
      app.use("/api/things", things);
      app.use("/tenants/:tenant/things", things);
      app.use("/assets", ok);
    });
    for (const where of ["/api/things/1", "/API/things/1", "/aPi/thIngs/1"]) await ask(where);
    for (const where of ["/tenants/acme/things/1", "/Tenants/Acme/THINGS/1"]) await ask(where);
    for (const where of ["/assets/a", "/ASSETS/a"]) await ask(where);
    expect(await routes(meters, 7)).toEqual({
      "/api/things/:thing": 3,
      "/tenants/:tenant/things/:thing": 2,
      "/assets": 2,
    });
  });

  test("an application mounted in an application has both templates in its route", async () => {
    const { meters, ask } = await serve((app) => {
      const inner = make();
      inner.get("/cats/:cat", ok);
      const middle = make();
      middle.use("/pets/:kind", inner);
      middle.get("/who", ok);
      app.use("/zoo", middle);
    });
    await ask("/zoo/pets/small/cats/tom");
    await ask("/zoo/who");
    expect(await routes(meters, 2)).toEqual({ "/zoo/pets/:kind/cats/:cat": 1, "/zoo/who": 1 });
  });

  test("routes of regular expressions and of several paths are readable, and as many as were written", async () => {
    const { meters, ask } = await serve((app) => {
      app.get(/^\/files\/(.+)\.txt$/, ok);
      app.get(["/a", "/b/:id"], ok);
      const under = make.Router();
      under.get("/x", ok);
      app.use(/^\/v[0-9]+/, under);
      app.use(["/one", "/two/:part"], under);
    });
    for (const asked of ["/files/1.txt", "/files/2.txt", "/a", "/b/1", "/b/2"]) await ask(asked);
    for (const asked of ["/v1/x", "/v2/x", "/one/x", "/two/7/x"]) await ask(asked);
    const found = await routes(meters, 9);
    expect(found).toEqual({
      "^\\/files\\/(.+)\\.txt$": 2,
      "/a|/b/:id": 3,
      "/*/x": 2,
      "/one/x": 1,
      "/two/:part/x": 1,
    });
  });

  test("files of a mounted directory are their mount, found or not in it", async () => {
    const directory = await mkdtemp(path.join(tmpdir(), "meterbridge-static-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    await writeFile(path.join(directory, "a.css"), "a {}");
    await writeFile(path.join(directory, "b.css"), "b {}");
    const { meters, ask } = await serve((app) => {
      app.use("/assets", make.static(directory));
      app.use("/sites/:site/assets", make.static(directory));
    });
    expect(await ask("/assets/a.css")).toBe(200);
    expect(await ask("/assets/b.css")).toBe(200);
    expect(await ask("/sites/17/assets/b.css")).toBe(200);
    expect(await ask("/assets/none.css")).toBe(404);
    expect(await routes(meters, 4)).toEqual({ "/assets": 2, "/sites/:site/assets": 1, none: 1 });
  });

  test("unknown paths and what fails before the routing have no route", async () => {
    const { meters, ask } = await serve((app) => {
      app.use((request, _response, next) => next(request.url === "/fails" ? new Error("before routing") : undefined));
      app.get("/users/:id", ok);
      const quiet: ErrorRequestHandler = (_error, _request, response, _next) => void response.status(500).end();
      app.use(quiet);
    });
    for (let index = 0; index < 50; index++) await ask(`/nowhere/${index}`);
    expect(await ask("/fails")).toBe(500);
    expect(await ask("/users/%zz")).toBe(500);
    expect(await routes(meters, 52)).toEqual({ none: 52 });
    expect(await meters.total(duration, { "error.type": "500" })).toBe(2);
  });

  test("a handler that throws has its route, and the status that was answered", async () => {
    const { meters, ask } = await serve((app) => {
      app.get("/throws/:id", () => {
        throw new Error("unexpected");
      });
      const quiet: ErrorRequestHandler = (_error, _request, response, _next) => void response.status(503).end();
      app.use(quiet);
    });
    await ask("/throws/1");
    expect(await routes(meters, 1)).toEqual({ "/throws/:id": 1 });
    expect(await meters.total(duration, { "error.type": "503" })).toBe(1);
  });
});

test("Fastify's routes are told, also where a hook answers before the handler, and none for unknown paths", async () => {
  const meters = meterRequests();
  const app = fastify();
  onTestFinished(() => app.close());
  app.get("/users/:id", async () => "ok");
  app.register(
    async (inner) => {
      inner.addHook("onRequest", async (request, reply) => {
        if (request.headers.authorization === undefined) await reply.code(401).send();
      });
      inner.get("/things/:thing", async () => "ok");
    },
    { prefix: "/api/:version" },
  );
  app.get("/files/*", async () => "ok");
  app.get("/throws", async () => {
    throw new Error("unexpected");
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  for (const asked of ["/users/1", "/users/2", "/files/a/b", "/throws", "/nowhere", "/nowhere/1"])
    await get(url + asked);
  expect(await get(`${url}/api/v1/things/9`)).toBe(401);
  expect(await get(`${url}/api/v2/things/9`, { headers: { authorization: "x" } })).toBe(200);
  await get(`${url}/users/3`, { method: "HEAD" });
  expect(await routes(meters, 9)).toEqual({
    "/users/:id": 3,
    "/files/*": 1,
    "/throws": 1,
    "/api/:version/things/:thing": 2,
    none: 2,
  });
});

test("what is injected into Fastify without a connection is no request to its server", async () => {
  const meters = meterRequests();
  const app = fastify();
  onTestFinished(() => app.close());
  app.get("/users/:id", async () => "ok");
  expect((await app.inject("/users/1")).body).toBe("ok");
  expect(await meters.total(active)).toBe(0);
  expect(await meters.total(duration)).toBe(0);
});

test("Fastify over HTTP/2 tells its routes", async () => {
  const meters = meterRequests();
  const app = fastify({ http2: true });
  onTestFinished(() => app.close());
  app.get("/users/:id", async () => "ok");
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const client = connect(url);
  for (const asked of ["/users/1", "/users/2", "/nowhere"]) {
    await new Promise((resolve) => client.request({ ":path": asked }).resume().on("end", resolve));
  }
  client.close();
  expect(await routes(meters, 3)).toEqual({ "/users/:id": 2, none: 1 });
});

test("Koa, which tells nobody its routes, is metered without them, and with those it is given", async () => {
  const meters = meterRequests();
  const app = new Koa();
  app.use((context) => {
    if (context.path.startsWith("/users/")) setRoute(context.req, "/users/:id");
    context.status = context.path === "/made" ? 201 : 200;
  });
  const url = await listening(createServer((request, response) => void app.callback()(request, response)));
  for (const asked of ["/users/1", "/users/2", "/made"]) await get(url + asked);
  expect(await routes(meters, 3)).toEqual({ "/users/:id": 2, none: 1 });
});

test("Nest's routes are told, with the prefix of the application and of the controller", async () => {
  const meters = meterRequests();
  class Users {
    one(id: string): string {
      return id;
    }
  }
  Reflect.decorate([Get(":id")], Users.prototype, "one", Object.getOwnPropertyDescriptor(Users.prototype, "one"));
  Param("id")(Users.prototype, "one", 0);
  Controller("users")(Users);
  const app = await NestFactory.create({ module: Users, controllers: [Users] }, { logger: false });
  onTestFinished(() => app.close());
  app.setGlobalPrefix("api");
  await app.listen(0, "127.0.0.1");
  const url = (await app.getUrl()).replace("[::1]", "127.0.0.1");
  expect(await get(`${url}/api/users/1`)).toBe(200);
  expect(await get(`${url}/api/users/2`)).toBe(200);
  expect(await get(`${url}/api/nowhere/2`)).toBe(404);
  // Nest itself answers unknown paths, by a route that takes them all.
  expect(await routes(meters, 3)).toEqual({ "/api/users/:id": 2, "/api/*path": 1 });
});
