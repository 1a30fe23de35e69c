import { once } from "node:events";
import { connect, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type DiagLogger, diag, DiagLogLevel } from "@opentelemetry/api";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { createLogger } from "../src/logs.ts";
import { collectMeters, duration, get, type Meters } from "./requests-collecting.ts";
import { startRequestMeters } from "../src/requests.ts";
import { type ContractOptions, frameworks } from "./support/middleware-servers.ts";

const acme = { tenant: "acme", employee: "e-7", project: "p-1", user: "u-9" };
const cleanup: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).toReversed()) await step();
});

describe.each(Object.entries(frameworks))("the middleware for %s", (_name, startFramework) => {
  test("gives each request an id of its own and returns it, where the client sends none", async () => {
    const { url } = await start();
    const [one, other] = [await ask(`${url}/users/1`), await ask(`${url}/users/2`)];
    expect(one.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(other.id).not.toBe(one.id);
    expect(one.body).toEqual({ requestId: one.id });
  });

  test("takes the client's id, so that a request can be followed through services", async () => {
    const { url } = await start();
    const { id, body } = await ask(`${url}/users/1`, { headers: { "x-request-id": "edge:7f.3_a-B" } });
    expect(id).toBe("edge:7f.3_a-B");
    expect(body).toEqual({ requestId: "edge:7f.3_a-B" });
  });

  test.each([
    ["what would end a log line", "a b"],
    ["a second header's beginning", "a%0d%0aSet-Cookie: x=1"],
    ["more than 128 characters", "a".repeat(129)],
    ["Latin-1", "caf\u00e9"],
    ["a script", "<script>"],
    ["nothing", ""],
  ])("makes an id of its own when the client's holds %s", async (_what, sent) => {
    const { url } = await start();
    const { id, status } = await ask(`${url}/users/1`, { headers: { "x-request-id": sent } });
    expect(status).toBe(200);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("makes an id of its own when the client sends two", async () => {
    const { port } = await start();
    const answer = await raw(
      port,
      "GET /users/1 HTTP/1.1\r\nHost: x\r\nX-Request-ID: one\r\nX-Request-ID: two\r\nConnection: close\r\n\r\n",
    );
    expect(answer).toMatch(/^x-request-id: [0-9a-f-]{36}\r$/im);
  });

  test.each(["/throws", "/rejects", "/nowhere"])(
    "returns the id with the answer to %s, where it is needed most",
    async (path) => {
      const { url } = await start();
      const { id, status } = await ask(url + path, { headers: { "x-request-id": "support-case-4" } });
      expect(status).toBe(path === "/nowhere" ? 404 : 500);
      expect(id).toBe("support-case-4");
    },
  );

  test.each(["/users/1", "/echo", "/stream"])(
    "knows the request and on whose behalf it is deep in %s",
    async (path) => {
      const { url } = await start({ attribution: () => acme });
      const options = path === "/echo" ? { method: "POST", headers: jsonHeaders, body: '{"a":1}' } : {};
      const { id, body } = await ask(url + path, options);
      expect(body).toEqual({ requestId: id, ...acme });
    },
  );

  test("keeps what it knows apart when a hundred requests of ten tenants are answered at once", async () => {
    const { url } = await start({
      attribution: async (headers) => {
        await sleep(Math.random() * 5);
        return { tenant: String(headers["x-tenant"]) };
      },
    });
    const requests = Array.from({ length: 100 }, async (_, index) => {
      const headers = { "x-request-id": `r-${index}`, "x-tenant": `t-${index % 10}` };
      expect((await ask(`${url}/users/${index}`, { headers })).body).toEqual({
        requestId: `r-${index}`,
        tenant: `t-${index % 10}`,
      });
    });
    await Promise.all(requests);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("no claims");
      },
      "threw",
    ],
    ["rejects", () => Promise.reject(new Error("no claims")), "threw"],
    ["hangs", () => new Promise<never>(() => {}), "late"],
    ["gives a text", () => "acme" as never, "unusable"],
    [
      "gives what throws when it is read",
      async () => ({
        get tenant(): string {
          throw new Error("no claims");
        },
      }),
      "threw",
    ],
  ])(
    "answers without attribution, tells it once and counts it, when the callback %s",
    async (_what, attribution, reason) => {
      const told = listenToDiag();
      const { url, meters } = await start({ attribution, attributionTimeoutMillis: 50 });
      for (let request = 0; request < 3; request++) {
        const { status, id, body } = await ask(`${url}/users/1`);
        expect({ status, body }).toEqual({ status: 200, body: { requestId: id } });
      }
      expect(told.filter((line) => line.includes(`callback "attribution"`))).toHaveLength(1);
      await meters.reaches("meterbridge.http.attribution.failures", 3, { reason });
    },
  );

  test("meters each request once by the route's template, also when all requests of the process are metered", async () => {
    const { url, meters } = await start({}, { meterAll: true });
    for (const path of ["/users/1", "/users/2?a=b", "/nowhere/3"]) await get(url + path);
    const server = { "http.request.method": "GET" };
    await meters.reaches(duration, 2, { ...server, "http.route": "/users/:id", "http.response.status_code": 200 });
    await meters.reaches(duration, 1, { ...server, "http.response.status_code": 404 });
    await meters.reaches(duration, 3);
    const routes = (await meters.series(duration)).map(({ attributes }) => attributes["http.route"]);
    expect(new Set(routes)).toEqual(new Set(["/users/:id", undefined]));
    expect(routes).toHaveLength(2);
  });

  test("writes a line when a request starts and one when it is completed, with status and duration", async () => {
    const { url, lines } = await start({ attribution: () => acme }, { level: "debug" });
    const { id } = await ask(`${url}/users/1?token=canary-query`);
    const context = {
      logger: "api",
      request_id: id,
      tenant: "acme",
      user_id: "u-9",
      project_id: "p-1",
      employee: "e-7",
    };
    await until(() => lines().length === 2, "the lines");
    expect(lines()).toEqual([
      { timestamp: expect.any(String), level: "debug", ...context, method: "GET", message: "request started" },
      {
        timestamp: expect.any(String),
        level: "info",
        ...context,
        method: "GET",
        route: "/users/:id",
        status: 200,
        duration_ms: expect.any(Number),
        message: "request completed",
      },
    ]);
  });

  test.each(["/throws", "/rejects"])("writes what was thrown when %s fails, without the secret in it", async (path) => {
    const { url, lines } = await start();
    const { id } = await ask(url + path);
    await until(() => lines().length === 1, "the line");
    expect(lines()[0]).toMatchObject({
      level: "error",
      request_id: id,
      route: path,
      status: 500,
      message: "request failed",
      exception: { type: "Error", message: "connect to postgres://[Redacted]@db failed", stack: expect.any(String) },
    });
  });

  test("answers a request that nobody knows a route for, and writes no part of its path", async () => {
    const { url, lines } = await start();
    await ask(`${url}/canary-path/1`);
    await until(() => lines().length === 1, "the line");
    expect(lines()[0]).toMatchObject({ status: 404, message: "request completed" });
    expect(JSON.stringify(lines())).not.toContain("canary");
  });

  test("writes that a request was given up when its client goes away before the answer is whole", async () => {
    const { url, lines, meters } = await start();
    const giveUp = new AbortController();
    const response = await fetch(`${url}/waits`, { signal: giveUp.signal });
    giveUp.abort();
    await response.text().catch(() => {});
    await until(() => lines().length === 1, "the line");
    expect(lines()[0]).toMatchObject({ level: "info", message: "request aborted", route: "/waits", status: 200 });
    await meters.reaches("http.server.active_requests", 0);
  });

  test("still answers others after clients have hung up before they sent what they promised", async () => {
    const { url, port, lines } = await start();
    for (let client = 0; client < 5; client++) {
      await raw(
        port,
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
        20,
      );
    }
    await until(() => lines().length === 5, "the lines of those given up");
    expect((await ask(`${url}/users/1`)).status).toBe(200);
  });

  test("writes no line of the paths that are left out, and meters them", async () => {
    const { url, lines, meters } = await start({ skip: ["/health"] });
    for (const path of ["/health", "/health?full=1", "/users/1"]) await get(url + path);
    await until(() => lines().length > 0, "a line");
    expect(lines().map(({ route }) => route)).toEqual(["/users/:id"]);
    await meters.reaches(duration, 2, { "http.route": "/health" });
  });

  test("leaves upgrades to who handles them", async () => {
    const { server, port, lines } = await start();
    server.on("upgrade", (_request, socket) =>
      socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhello"),
    );
    const answer = await raw(port, "GET /users/1 HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n");
    expect(answer).toContain("101 Switching Protocols");
    expect(answer).toContain("hello");
    expect(lines()).toEqual([]);
  });

  test("answers all the same when the logger throws", async () => {
    const broken = () => {
      throw new Error("disk full");
    };
    const { url } = await start({ logger: { debug: broken, info: broken, error: broken } });
    expect((await ask(`${url}/users/1`)).status).toBe(200);
    expect((await ask(`${url}/throws`)).status).toBe(500);
  });

  test("refuses options that are wrong where the application starts", async () => {
    await expect(async () => startFramework({ skip: "/health" as never })).rejects.toThrow(
      /^\[meterbridge\] \[http\] requests\(\): option "skip" must be a list of paths, each beginning with a slash, found "\/health"$/,
    );
    await expect(async () => startFramework({ loger: console } as never)).rejects.toThrow(/option "loger" is unknown/);
  });

  async function start(
    options: ContractOptions = {},
    { level = "info", meterAll = false }: { level?: "info" | "debug"; meterAll?: boolean } = {},
  ) {
    const meters: Meters = collectMeters();
    if (meterAll) onTestFinished(startRequestMeters());
    const written: string[] = [];
    const logger = createLogger({ name: "api", level, destination: { write: (line) => void written.push(line) } });
    const { server, close } = await startFramework({ logger, ...options });
    cleanup.push(close);
    const { port } = server.address() as AddressInfo;
    return {
      server,
      port,
      url: `http://127.0.0.1:${port}`,
      meters,
      lines: () => written.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>),
    };
  }
});

const jsonHeaders = { "content-type": "application/json" };

async function ask(url: string, options: RequestInit = {}) {
  const response = await fetch(url, options);
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = text;
  }
  return { status: response.status, id: response.headers.get("x-request-id"), body };
}

/** Sends a request as it stands, and gives what comes until the server ends, or until `milliseconds` are over. */
async function raw(port: number, text: string, milliseconds = 5000): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
  socket.on("error", () => {});
  socket.write(text);
  await Promise.race([once(socket, "close"), sleep(milliseconds)]);
  socket.destroy();
  return received;
}

function listenToDiag(): string[] {
  const told: string[] = [];
  const tell = (message: string): void => void told.push(message);
  const logger: DiagLogger = { error: tell, warn: tell, info: tell, debug: tell, verbose: tell };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  onTestFinished(() => diag.disable());
  return told;
}
