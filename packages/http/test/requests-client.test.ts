import { context } from "@opentelemetry/api";
import { once } from "node:events";
import { Agent, createServer, get as httpGet, request as httpRequest, type IncomingMessage } from "node:http";
import { createServer as createSecureServer, request as secureRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { freePort } from "../../../test/support/servers.ts";
import { certificate } from "./requests-certificate.ts";
import { clientDuration, get, listening, meterRequests } from "./requests-collecting.ts";

const method = "http.request.method";
const status = "http.response.status_code";
const unmetered = Symbol.for("meterbridge.unmetered");

async function read(request: ReturnType<typeof httpRequest>): Promise<void> {
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
}

test("what node:http and fetch send is one duration each, by server and status, without the path", async () => {
  const meters = meterRequests();
  const url = await listening(
    createServer((request, response) => void response.writeHead(request.method === "POST" ? 201 : 404).end("x")),
  );
  const port = Number(new URL(url).port);
  await get(`${url}/users/1`);
  await get(`${url}/users/2`, { method: "POST", body: "x" });
  await read(httpGet(`${url}/users/3?token=secret`));
  await read(httpRequest(`${url}/users/4`, { method: "POST" }).end());
  await meters.reaches(clientDuration, 4);
  const common = { "server.address": "127.0.0.1", "server.port": port };
  expect(await meters.series(clientDuration)).toEqual([
    { attributes: { [method]: "GET", ...common, [status]: 404, "error.type": "404" }, value: 2 },
    { attributes: { [method]: "POST", ...common, [status]: 201 }, value: 2 },
  ]);
});

test("a thousand requests over kept connections are a thousand", async () => {
  const meters = meterRequests();
  const url = await listening(createServer((_request, response) => void response.end("x")));
  const agent = new Agent({ keepAlive: true, maxSockets: 5 });
  for (let index = 0; index < 100; index++) {
    await Promise.all(Array.from({ length: 5 }, () => read(httpGet(url, { agent }))));
    await Promise.all(Array.from({ length: 5 }, () => get(url)));
  }
  agent.destroy();
  await meters.reaches(clientDuration, 1_000);
  expect(await meters.series(clientDuration)).toHaveLength(1);
});

test("a refused connection, an unknown host, an abort and a cut answer are each told by what went wrong", async () => {
  const meters = meterRequests();
  const port = await freePort();
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow("fetch failed");
  await expect(once(httpGet(`http://127.0.0.1:${port}/`), "response")).rejects.toThrow("ECONNREFUSED");
  await meters.reaches(clientDuration, 2, { "error.type": "ECONNREFUSED", "server.port": port });

  const silent = await listening(createServer(() => {}));
  await expect(fetch(silent, { signal: AbortSignal.timeout(50) })).rejects.toThrow("timeout");
  const given = httpGet(silent);
  given.on("error", () => {});
  setTimeout(() => given.destroy(), 20);
  await meters.reaches(clientDuration, 4);

  const cutting = await listening(
    createServer((request, response) => {
      response.writeHead(200, { "content-length": "100" }).write("ten bytes.");
      setTimeout(() => request.socket.destroy(), 20);
    }),
  );
  const [response] = (await once(httpGet(cutting), "response")) as [IncomingMessage];
  response.on("error", () => {});
  response.resume();
  await meters.reaches(clientDuration, 1, { [status]: 200, "error.type": "aborted" });
  await expect(get(cutting)).rejects.toThrow("terminated");
  await meters.reaches(clientDuration, 6);
  expect(
    (await meters.series(clientDuration)).filter(({ attributes }) => attributes["error.type"] === undefined),
  ).toEqual([]);
});

test("early hints before the answer are not its status", async () => {
  const meters = meterRequests();
  const url = await listening(
    createServer((_request, response) => {
      response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" });
      response.writeHead(202).end();
    }),
  );
  await get(url);
  await read(httpGet(url));
  await meters.reaches(clientDuration, 2, { [status]: 202 });
  expect(await meters.total(clientDuration)).toBe(2);
});

test("requests over TLS have the port of their server, and the protocol's own where none is named", async () => {
  const meters = meterRequests();
  const { key, cert } = await certificate();
  const url = await listening(
    createSecureServer({ key, cert }, (_request, response) => void response.end()),
    "https",
  );
  await read(secureRequest(url, { rejectUnauthorized: false }).end());
  await meters.reaches(clientDuration, 1, { "server.port": Number(new URL(url).port) });
  const refused = secureRequest("https://nobody.invalid/").end();
  await expect(once(refused, "response")).rejects.toThrow("nobody.invalid");
  await meters.reaches(clientDuration, 1, { "server.address": "nobody.invalid", "server.port": 443 });
});

test("a Host header of the application's own does not change the server's name or port", async () => {
  const meters = meterRequests();
  const url = await listening(createServer((_request, response) => void response.end()));
  await read(httpGet(url, { headers: { host: "shop.example" } }));
  await meters.reaches(clientDuration, 1);
  expect(
    await meters.total(clientDuration, { "server.address": "127.0.0.1", "server.port": Number(new URL(url).port) }),
  ).toBe(1);
});

test("a websocket's handshake is a request that ends with the switch of protocols", async () => {
  const meters = meterRequests();
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  const url = await listening(server);
  const socket = new WebSocket(url.replace("http", "ws"));
  await once(socket, "open");
  await meters.reaches(clientDuration, 1, { [status]: 101 });
  expect((await meters.series(clientDuration))[0]?.attributes).not.toHaveProperty(["error.type"]);
  socket.terminate();
  sockets.close();
});

test("what telemetry sends itself is not metered: marked requests and agents, and contexts in which telemetry is suppressed", async () => {
  const meters = meterRequests();
  const url = await listening(createServer((_request, response) => void response.end()));
  const suppressed = context.active().setValue(Symbol.for("OpenTelemetry SDK Context Key SUPPRESS_TRACING"), true);
  await context.with(suppressed, async () => {
    await get(url);
    await read(httpGet(url));
  });
  await read(Object.assign(httpGet(url), { [unmetered]: true }));
  await read(httpGet(url, { agent: Object.assign(new Agent(), { [unmetered]: true }) }));
  await sleep(20);
  expect(await meters.total(clientDuration)).toBe(0);
  await get(url);
  await meters.reaches(clientDuration, 1);
});

test("three thousand servers stay within the series limit, and every request is counted", async () => {
  const meters = meterRequests();
  const url = await listening(createServer((_request, response) => void response.end()));
  const { port } = new URL(url);
  const agent = new Agent({ keepAlive: false });
  for (let index = 0; index < 3_000; index += 100) {
    const some = Array.from({ length: 100 }, (_, one) => index + one);
    // Every address of 127/8 is this machine; most are refused, as the server listens on the first.
    await Promise.all(
      some.map(async (one) => {
        const request = httpGet({ host: `127.0.${one >> 8}.${one & 255}`, port, agent });
        await read(request).catch(() => {});
      }),
    );
  }
  await meters.reaches(clientDuration, 3_000);
  expect((await meters.series(clientDuration)).length).toBeLessThanOrEqual(2_000);
  expect(await meters.total(clientDuration, { "server.address": "other" })).toBeGreaterThan(1_000);
});
