import { createServer, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { diag, DiagLogLevel } from "@opentelemetry/api";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { afterEach, describe, expect, test } from "vitest";
import { type Health, health, type HealthCheck, type HealthOptions, modelApiCheck } from "@meterbridge/http";
import { until } from "../../../test/support/servers.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  diag.disable();
});

const fine: HealthCheck = { name: "database", check: () => Promise.resolve() };
const hanging: HealthCheck = { name: "queue", check: () => new Promise(() => {}), timeoutMillis: 100 };

describe("wherever it is mounted", () => {
  test.each([
    ["node:http", () => onNode(health({ checks: [fine] }))],
    ["Express, which takes the path off", () => onExpress(health({ checks: [fine] }), "/health")],
    ["Fastify, which leaves it", () => onFastify(health({ checks: [fine] }), "/health")],
    ["Hono", () => onHono(health({ checks: [fine] }), "/health")],
  ])("every probe is answered under %s", async (_where, start) => {
    const url = await start();
    expect(await ask(`${url}/health`)).toMatchObject({ status: 200, body: { status: "healthy" } });
    expect(await ask(`${url}/health/ready`)).toMatchObject({ status: 200, body: { ready: true } });
    expect(await ask(`${url}/health/readyz?verbose`)).toMatchObject({ status: 200 });
    expect(await ask(`${url}/health/live`)).toMatchObject({ status: 200, body: { live: true } });
    expect(await ask(`${url}/health/livez`)).toMatchObject({ status: 200 });
    expect(await ask(`${url}/health/nothing`)).toMatchObject({ status: 404 });
  });

  test.each([
    ["node:http", (mounted: Health) => onNode(mounted)],
    ["Express", (mounted: Health) => onExpress(mounted, "/internal/status")],
    ["Fastify", (mounted: Health) => onFastify(mounted, "/internal/status")],
    ["Hono", (mounted: Health) => onHono(mounted, "/internal/status")],
  ])("under another path too, by basePath, under %s", async (_where, start) => {
    const url = await start(health({ basePath: "/internal/status/" }));
    expect(await ask(`${url}/internal/status`)).toMatchObject({ status: 200, body: { status: "healthy" } });
    expect(await ask(`${url}/internal/status/`)).toMatchObject({ status: 200 });
    expect(await ask(`${url}/internal/status/ready`)).toMatchObject({ status: 200, body: { ready: true } });
  });

  test("HEAD has the status and no body, and any other method is refused with what is allowed", async () => {
    const url = await onNode(health({ starting: true }));
    const head = await fetch(`${url}/health/ready`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([503, ""]);
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "BREW"]) {
      const answer = await raw(url, method, "/health");
      expect(answer).toMatchObject({ status: method === "BREW" ? 400 : 405 });
      if (method !== "BREW") expect(answer.headers["allow"]).toBe("GET, HEAD");
    }
  });

  test("a path of 100 kB, one that is malformed and one that points elsewhere are refused in a few bytes", async () => {
    const url = await listening(createServer({ maxHeaderSize: 200_000 }, health().handler));
    const paths = [
      `/health/${"x".repeat(100_000)}`,
      "/health".repeat(14_000),
      "//evil/health",
      "/health/../etc/passwd",
      "/health/%00",
      "/health//ready",
    ];
    for (const path of paths) {
      const { status, text } = await raw(url, "GET", path);
      expect([path.slice(0, 30), status]).toEqual([path.slice(0, 30), 404]);
      expect(text.length).toBeLessThan(200);
    }
  });

  test("no answer may be kept by a cache, which would hide the next state", async () => {
    const url = await onNode(health());
    for (const path of ["/health", "/health/ready", "/health/live"]) {
      expect((await fetch(url + path)).headers.get("cache-control")).toBe("no-store");
    }
  });
});

describe("the health", () => {
  test("D: GET /health is unhealthy, with 503, when something required is, and degraded, with 200, when something else is", async () => {
    const broken: HealthCheck = { name: "search", check: () => Promise.reject(new Error("down")) };
    const degraded: HealthCheck = { name: "cache", check: () => ({ status: "degraded", reason: "read_only" }) };
    expect(await answerOf({ checks: [fine, broken] })).toMatchObject({ status: 503, body: { status: "unhealthy" } });
    expect(await answerOf({ checks: [fine, { ...broken, required: false }] })).toMatchObject({
      status: 200,
      body: {
        status: "degraded",
        state: "ready",
        checks: {
          database: { status: "healthy", required: true, durationMillis: expect.any(Number) },
          search: { status: "unhealthy", required: false, reason: "failed" },
        },
      },
    });
    expect(await answerOf({ checks: [fine, degraded] })).toMatchObject({
      status: 200,
      body: { status: "degraded", checks: { cache: { reason: "read_only" } } },
    });
  });

  test("of a check that gives false, or a Response that is not ok, is not taken for healthy", async () => {
    const unconnected: HealthCheck = { name: "client", check: () => false };
    const answered: HealthCheck = { name: "api", check: () => new Response(null, { status: 502 }) };
    expect(await answerOf({ checks: [unconnected, answered] })).toMatchObject({
      status: 503,
      body: { checks: { client: { status: "unhealthy" }, api: { status: "unhealthy", reason: "http_502" } } },
    });
  });

  test("takes as long as the slowest check and no longer than its deadline: all are made at once", async () => {
    const slow = (name: string): HealthCheck => ({
      name,
      check: () => new Promise((resolve) => setTimeout(resolve, 300)),
    });
    const report = await health({ checks: [slow("a"), slow("b"), slow("c"), slow("d"), hanging] }).report();
    expect(report.durationMillis).toBeLessThan(1000);
    expect(report.checks).toMatchObject({
      a: { status: "healthy" },
      queue: { status: "unhealthy", reason: "timeout" },
    });
  });

  test("aborts the check at its deadline, so that what it waits for can be let go", async () => {
    let reason: unknown;
    const check = (signal: AbortSignal): Promise<void> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          reason = signal.reason;
          reject(reason);
        });
      });
    await health({ checks: [{ name: "queue", check, timeoutMillis: 50 }] }).report();
    expect(reason).toMatchObject({ name: "TimeoutError" });
  });
});

describe("a storm of probes", () => {
  test("costs one look at each dependency", async () => {
    let looks = 0;
    const check = async (): Promise<void> => {
      looks += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
    };
    const url = await onNode(health({ checks: [{ name: "database", check, cacheMillis: 20_000 }] }));
    await Promise.all(
      Array.from({ length: 200 }, (_, index) => ask(`${url}/health${index % 2 === 0 ? "" : "/ready"}`)),
    );
    await ask(`${url}/health`);
    expect(looks).toBe(1);
  });

  test("sees what has changed after a second: results do not hold for longer", async () => {
    let isUp = true;
    const watched = health({ checks: [{ name: "client", check: () => isUp }] });
    expect(await watched.readiness()).toEqual({ ready: true });
    isUp = false;
    expect(await watched.readiness()).toEqual({ ready: true });
    await until(async () => !(await watched.readiness()).ready, "the change to be seen", 3);
  });

  test("does not pile up behind a check that hangs: it is begun once, costs its deadline once, and is seen to come back", async () => {
    let looks = 0;
    let release = (): void => {};
    const check = async (): Promise<void> => {
      looks += 1;
      if (looks === 1) await new Promise<void>((resolve) => (release = resolve));
    };
    const url = await onNode(health({ checks: [{ name: "queue", check, timeoutMillis: 200, cacheMillis: 0 }] }));
    expect(await ask(`${url}/health`)).toMatchObject({
      status: 503,
      body: { checks: { queue: { reason: "timeout" } } },
    });
    const began = performance.now();
    for (let probe = 0; probe < 5; probe++) expect(await ask(`${url}/health/ready`)).toMatchObject({ status: 503 });
    expect(performance.now() - began).toBeLessThan(5 * 200);
    expect(looks).toBe(1);
    release();
    expect(await ask(`${url}/health/ready`)).toMatchObject({ status: 200, body: { ready: true } });
    expect(looks).toBe(2);
  });

  test("never looks at the model provider more than once a minute, nor sends it a key, nor follows it elsewhere", async () => {
    const requests: { method: string | undefined; authorization: string | undefined }[] = [];
    let status = 401;
    const provider = await listening(
      createServer(({ method, headers: { authorization } }, response) => {
        requests.push({ method, authorization });
        response.writeHead(status, { location: "http://169.254.169.254/latest/meta-data" }).end();
      }),
    );
    const withoutKey = health({ checks: [modelApiCheck(provider)] });
    for (let probe = 0; probe < 5; probe++) {
      expect((await withoutKey.report()).checks).toMatchObject({ "model-api": { status: "healthy", required: false } });
      expect(await withoutKey.readiness()).toEqual({ ready: true });
    }
    expect(requests).toEqual([{ method: "HEAD", authorization: undefined }]);

    const headers = { authorization: "Bearer given" };
    const verdict = async (): Promise<unknown> =>
      (await health({ checks: [modelApiCheck(provider, { headers, method: "GET" })] }).report()).checks["model-api"];
    expect(await verdict()).toMatchObject({ status: "unhealthy", reason: "http_401" });
    status = 307;
    expect(await verdict()).toMatchObject({ status: "degraded", reason: "http_307" });
    status = 503;
    expect(await verdict()).toMatchObject({ status: "unhealthy", reason: "http_503" });
    expect(requests.at(-1)).toEqual({ method: "GET", authorization: "Bearer given" });
  });
});

describe("what is shown", () => {
  test("of an error is a code: never a message, an address, a version or a password", async () => {
    const secret = "postgres://shop:hunter2@db.internal:5432/shop";
    const errors: [string, unknown, string][] = [
      ["message", new Error(`no connection to ${secret}`), "failed"],
      ["refused", Object.assign(new Error(secret), { code: "ECONNREFUSED" }), "ECONNREFUSED"],
      ["sqlstate", Object.assign(new Error(secret), { code: "28P01", detail: secret }), "28P01"],
      ["redis", new Error("NOAUTH Authentication required for hunter2"), "NOAUTH"],
      [
        "cause",
        new TypeError("fetch failed", { cause: Object.assign(new Error(secret), { code: "ENOTFOUND" }) }),
        "ENOTFOUND",
      ],
      ["several", new AggregateError([Object.assign(new Error(secret), { code: "ETIMEDOUT" })]), "ETIMEDOUT"],
      ["hidden", Object.assign(new Error("x"), { code: "AKIAIOSFODNN7EXAMPLE" }), "failed"],
      ["sentence", Object.assign(new Error("x"), { code: secret }), "failed"],
      ["text", secret, "failed"],
      ["nothing", undefined, "failed"],
      [
        "trap",
        {
          get code(): string {
            throw new Error(secret);
          },
        },
        "failed",
      ],
    ];
    const checks = errors.map(([name, error]): HealthCheck => ({ name, check: () => Promise.reject(error) }));
    checks.push({ name: "verdict", check: () => ({ status: "unhealthy", reason: `see ${secret}`, detail: secret }) });
    checks.push({
      name: "sync",
      check: () => {
        throw new Error(secret);
      },
    });
    checks.push({
      name: "getter",
      check: () => ({
        get status(): string {
          throw new Error(secret);
        },
      }),
    });

    const url = await onNode(health({ checks }));
    const text = await (await fetch(`${url}/health`)).text();
    const ready = await (await fetch(`${url}/health/ready`)).text();
    for (const [name, , reason] of errors) expect(JSON.parse(text).checks[name]).toMatchObject({ reason });
    expect(JSON.parse(text).checks).toMatchObject({
      verdict: { reason: "failed" },
      sync: { reason: "failed" },
      getter: { reason: "failed" },
    });
    for (const shown of [text, ready])
      expect(shown).not.toMatch(/hunter2|db\.internal|AKIA|postgres:|Error|\d+\.\d+\.\d+/);
  });

  test("on diag is each change once, without the error, which the application is given", async () => {
    const lines: string[] = [];
    const keep = (line: string): void => void lines.push(line);
    diag.setLogger({ error: keep, warn: keep, info: keep, debug() {}, verbose() {} }, DiagLogLevel.WARN);
    const changes: unknown[] = [];
    const error = Object.assign(new Error("password hunter2"), { code: "ECONNREFUSED" });
    let isDown = true;
    const check = (): Promise<void> => (isDown ? Promise.reject(error) : Promise.resolve());
    const watched = health({
      checks: [{ name: "database", check, cacheMillis: 0 }],
      onChange(change) {
        changes.push(change);
        throw new Error("a listener that throws");
      },
    });
    for (let probe = 0; probe < 3; probe++) await watched.report();
    isDown = false;
    for (let probe = 0; probe < 3; probe++) await watched.report();
    expect(lines.filter((line) => line.includes("[http]"))).toEqual([
      "[meterbridge] [http] health: database is unhealthy (ECONNREFUSED)",
      "[meterbridge] [http] health: database is healthy again",
    ]);
    expect(changes).toEqual([
      { name: "database", status: "unhealthy", error },
      { name: "database", status: "healthy", error: undefined },
    ]);
  });

  test("of the SDK is which exporter fails and whether the ledger's store is away, neither of which makes it unready", async () => {
    const key = Symbol.for("meterbridge.sdk");
    const holder = globalThis as { [key]?: unknown };
    cleanups.push(() => delete holder[key]);
    const watched = health();
    expect((await watched.report()).checks).toEqual({});
    let isFailing = false;
    let state = "ready";
    holder[key] = {
      exporters: [{ name: "prometheus" }, { name: "otlp", target: "http://u:p@collector", isFailing: () => isFailing }],
      ledgerStatus: () => ({ state, waiting: 3 }),
    };
    expect(await watched.report()).toMatchObject({
      status: "healthy",
      checks: { exporters: { status: "healthy" }, ledger: { status: "healthy" } },
    });
    isFailing = true;
    state = "down";
    expect(await watched.report()).toMatchObject({
      status: "degraded",
      checks: { exporters: { status: "degraded", reason: "otlp" }, ledger: { status: "degraded", reason: "down" } },
    });
    expect(await watched.readiness()).toEqual({ ready: true });
    expect((await health({ sdkChecks: false }).report()).checks).toEqual({});
  });
});

describe("the state", () => {
  test("D: GET /health/ready is 503 while the application starts and drains, and /health/live answers throughout", async () => {
    const state = health({ starting: true, checks: [fine] });
    const url = await onNode(state);
    const live = async (): Promise<void> => expect(await ask(`${url}/health/live`)).toMatchObject({ status: 200 });
    expect(await ask(`${url}/health/ready`)).toMatchObject({ status: 503, body: { ready: false, reason: "starting" } });
    expect(await ask(`${url}/health`)).toMatchObject({ status: 200, body: { status: "healthy", state: "starting" } });
    await live();
    state.started();
    expect(await ask(`${url}/health/ready`)).toMatchObject({ status: 200 });
    state.draining();
    expect(await ask(`${url}/health/ready`)).toMatchObject({ status: 503, body: { ready: false, reason: "draining" } });
    state.started();
    expect(state.state).toBe("draining");
    await live();
  });

  test("says what is required and does not work, and looks at nothing else", async () => {
    let looks = 0;
    const optional: HealthCheck = { name: "model-api", required: false, check: () => void (looks += 1) };
    expect(await answerOf({ checks: [fine, hanging, optional] }, "/health/ready")).toEqual({
      status: 503,
      body: { ready: false, reason: "unhealthy", checks: { queue: "timeout" } },
    });
    expect(looks).toBe(0);
  });
});

describe("an option that is wrong", () => {
  const check = (): void => {};
  test.each<[string, unknown, string]>([
    ["no name", { checks: [{ check }] }, 'option "checks.0.name" is missing'],
    ["a name with a space", { checks: [{ name: "my db", check }] }, 'option "checks.0.name" must be 1 to 64 letters'],
    ["a name that is special", { checks: [{ name: "__proto__", check }] }, 'option "checks.0.name" must be 1 to 64'],
    ["no function", { checks: [{ name: "db", check: 5 }] }, 'option "checks.0.check" must be a function, found 5'],
    [
      "a deadline of nothing",
      { checks: [{ name: "db", check, timeoutMillis: 0 }] },
      "must be a whole number of millis",
    ],
    ["an endless deadline", { checks: [{ name: "db", check, timeoutMillis: Infinity }] }, "found Infinity"],
    [
      "two of a name",
      {
        checks: [
          { name: "db", check },
          { name: "db", check },
        ],
      },
      'two checks are called "db"',
    ],
    [
      "a misspelt one of a check",
      { checks: [{ name: "db", check, timeout: 5 }] },
      'option "checks.0.timeout" is unknown',
    ],
    ["a misspelt one", { check: [] }, 'option "check" is unknown, the options are checks, basePath'],
    ["a path without a slash", { basePath: "health" }, 'option "basePath" must be a path that begins with "/"'],
  ])("throws at the start: %s", (_what, options, message) => {
    expect(() => health(options as HealthOptions)).toThrow(message);
  });

  test.each([
    ["ftp://provider", "must begin with https:// or http://"],
    ["file:///etc/passwd", "must begin with https:// or http://"],
    ["not a URL with hunter2", "must begin with https:// or http://"],
    ["https://user:hunter2@provider", "must not hold credentials"],
  ])("throws for a model API at %s, without showing it", (url, message) => {
    expect(() => modelApiCheck(url)).toThrow(message);
    expect(() => modelApiCheck(url)).not.toThrow(/hunter2/);
  });
});

async function answerOf(options: HealthOptions, path = "/health"): Promise<{ status: number; body: unknown }> {
  return await ask(`${await onNode(health(options))}${path}`);
}

async function ask(url: string): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(url);
  const text = await answer.text();
  return {
    status: answer.status,
    body: answer.headers.get("content-type")?.includes("json") === true ? JSON.parse(text) : text,
  };
}

/** Unlike fetch it sends a path as it is. */
function raw(
  url: string,
  method: string,
  path: string,
): Promise<{ status: number | undefined; headers: NodeJS.Dict<unknown>; text: string }> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(url);
    const request = httpRequest({ host: "127.0.0.1", port, method, path, insecureHTTPParser: false }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    request.on("error", reject);
    request.end();
  });
}

async function listening(server: Server): Promise<string> {
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function onNode(mounted: Health): Promise<string> {
  return listening(createServer(mounted.handler));
}

function onExpress(mounted: Health, path: string): Promise<string> {
  return listening(createServer(express().use(path, mounted.handler)));
}

async function onFastify(mounted: Health, path: string): Promise<string> {
  const application = fastify();
  for (const each of [path, `${path}/*`]) {
    application.all(each, (request, reply) => {
      reply.hijack();
      mounted.handler(request.raw, reply.raw);
    });
  }
  cleanups.push(() => application.close());
  return await application.listen({ port: 0, host: "127.0.0.1" });
}

async function onHono(mounted: Health, path: string): Promise<string> {
  const application = new Hono().all(`${path}/*`, (context) => mounted.fetch(context.req.raw));
  const server = serve({ fetch: application.fetch, port: 0, hostname: "127.0.0.1" }) as Server;
  await until(() => server.listening, "Hono's server to listen");
  return await listening(server);
}
