import { once } from "node:events";
import { Agent, createServer, get as httpGet, request as httpRequest, type IncomingMessage } from "node:http";
import { createServer as createSecureServer, request as secureRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { until } from "../../../test/support/servers.ts";
import { routeOf, setRoute, startRequestMeters, trackFetch, trackRequest } from "../src/requests.ts";
import { certificate } from "./requests-certificate.ts";
import {
  active,
  collectMeters,
  duration,
  get,
  listening,
  meterRequests,
  overConnection,
} from "./requests-collecting.ts";

const method = "http.request.method";
const status = "http.response.status_code";

test("a request is one in progress until it is answered, then one duration, without its path", async () => {
  const meters = meterRequests();
  const answer = Promise.withResolvers<void>();
  const url = await listening(
    createServer((_request, response) => {
      void answer.promise.then(() => response.writeHead(201).end("made"));
    }),
  );
  const answered = get(`${url}/users/42?token=secret`, { method: "POST" });
  await meters.reaches(active, 1, { [method]: "POST", "url.scheme": "http" });
  expect(await meters.total(duration)).toBe(0);
  answer.resolve();
  await answered;
  await meters.reaches(active, 0);
  expect(await meters.series(duration)).toEqual([
    { attributes: { [method]: "POST", "url.scheme": "http", [status]: 201 }, value: 1 },
  ]);
});

test("requests over TLS have the scheme https", async () => {
  const meters = meterRequests();
  const { key, cert } = await certificate();
  const url = await listening(
    createSecureServer({ key, cert }, (_request, response) => void response.end()),
    "https",
  );
  const request = secureRequest(url, { rejectUnauthorized: false }).end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  await meters.reaches(duration, 1);
  expect(await meters.total(duration, { "url.scheme": "https" })).toBe(1);
});

test("ten thousand requests over kept connections are ten thousand in the meter, and none stays in progress", async () => {
  const meters = meterRequests();
  const url = await listening(
    createServer((request, response) => {
      setRoute(request, request.url === "/a" ? "/a" : "/b");
      response.end("x");
    }),
  );
  const agent = new Agent({ keepAlive: true, maxSockets: 40 });
  onTestFinished(() => agent.destroy());
  const one = async (path: string): Promise<void> => {
    const request = httpGet(`${url}${path}`, { agent });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.resume();
    await once(response, "end");
  };
  let left = 10_000;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await one(left % 4 === 0 ? "/a" : "/b");
  };
  await Promise.all(Array.from({ length: 40 }, worker));
  await meters.reaches(duration, 10_000);
  expect(await meters.total(duration, { "http.route": "/a" })).toBe(2_500);
  expect(await meters.total(duration, { "http.route": "/b" })).toBe(7_500);
  expect(await meters.total(active)).toBe(0);
});

test("pipelined requests of one connection are told apart, each with its own route", async () => {
  const meters = meterRequests();
  const answers: (() => void)[] = [];
  const url = await listening(
    createServer((request, response) => {
      setRoute(request, `/route${request.url}`);
      expect(routeOf(request)).toBe(`/route${request.url}`);
      answers.push(() => response.end("x"));
    }),
  );
  const text = ["/1", "/2", "/3"].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join("");
  await overConnection(url, text, async () => {
    await meters.reaches(active, 3);
    // The last is ready first, and has to wait.
    for (const answer of answers.toReversed()) answer();
    await meters.reaches(duration, 3);
  });
  for (const path of [1, 2, 3]) expect(await meters.total(duration, { "http.route": `/route/${path}` })).toBe(1);
  expect(await meters.total(active)).toBe(0);
});

test("a client that hangs up before the answer is one aborted request, without a status", async () => {
  const meters = meterRequests();
  const url = await listening(createServer(() => {}));
  await overConnection(url, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", () => meters.reaches(active, 1));
  await meters.reaches(active, 0);
  expect(await meters.series(duration)).toEqual([
    { attributes: { [method]: "GET", "url.scheme": "http", "error.type": "aborted" }, value: 1 },
  ]);
});

test("a client that hangs up amid the answer is one aborted request with its status, also when the server goes on writing", async () => {
  const meters = meterRequests();
  const gone = Promise.withResolvers<void>();
  const url = await listening(
    createServer((request, response) => {
      response.write("half of it");
      request.socket.once("close", () => {
        response.end("the rest");
        gone.resolve();
      });
    }),
  );
  await overConnection(url, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", (received) =>
    until(() => received().includes("half"), "half of the answer"),
  );
  await gone.promise;
  await meters.reaches(duration, 1, { [status]: 200, "error.type": "aborted" });
  await sleep(50);
  expect(await meters.total(duration)).toBe(1);
  expect(await meters.total(active)).toBe(0);
});

test("a client that hangs up amid its own body is one aborted request", async () => {
  const meters = meterRequests();
  const url = await listening(
    createServer((request, response) => {
      request.on("error", () => {});
      request.resume().on("end", () => response.end());
    }),
  );
  await overConnection(url, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nten bytes.", () =>
    meters.reaches(active, 1, { [method]: "POST" }),
  );
  await meters.reaches(duration, 1, { [method]: "POST", "error.type": "aborted" });
  expect(await meters.total(active)).toBe(0);
});

test("of pipelined requests whose client hangs up, each ends once", async () => {
  const meters = meterRequests();
  const url = await listening(createServer(() => {}));
  await overConnection(url, "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(5), () => meters.reaches(active, 5));
  await meters.reaches(duration, 5, { "error.type": "aborted" });
  expect(await meters.total(active)).toBe(0);
});

test("a request that is never answered stays in progress, and holds up no other", async () => {
  const meters = meterRequests();
  const url = await listening(createServer((request, response) => void (request.url === "/never" || response.end())));
  await overConnection(url, "GET /never HTTP/1.1\r\nHost: a\r\n\r\n", async () => {
    await meters.reaches(active, 1);
    for (let index = 0; index < 10; index++) await get(url);
    await meters.reaches(duration, 10);
    expect(await meters.total(active)).toBe(1);
  });
  await meters.reaches(duration, 11);
});

test("HEAD, 204 and 304, early hints, 100-continue and answers without a body are each one request with its last status", async () => {
  const meters = meterRequests();
  const url = await listening(
    createServer((request, response) => {
      if (request.url === "/early") response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" });
      response.statusCode = request.url === "/early" ? 203 : Number(request.url?.slice(1)) || 200;
      response.end();
    }),
  );
  await get(`${url}/200`, { method: "HEAD" });
  await get(`${url}/204`);
  await get(`${url}/304`);
  await get(`${url}/early`);
  await overConnection(
    url,
    "POST /202 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
    (received) => until(() => received().includes("202 Accepted"), "the answer"),
  );
  await meters.reaches(duration, 5);
  expect(await meters.total(duration, { [method]: "HEAD", [status]: 200 })).toBe(1);
  for (const code of [204, 304, 203, 202]) expect(await meters.total(duration, { [status]: code }), `${code}`).toBe(1);
});

test("a server error carries its status as the error type, a client's error does not", async () => {
  const meters = meterRequests();
  const url = await listening(
    createServer((request, response) => void response.writeHead(Number(request.url?.slice(1))).end()),
  );
  for (const code of [404, 500, 503]) await get(`${url}/${code}`);
  await meters.reaches(duration, 3);
  const errors = (await meters.series(duration)).map(({ attributes }) => attributes["error.type"]);
  expect(errors).toEqual([undefined, "500", "503"]);
});

test("methods nobody heard of are one group", async () => {
  const meters = meterRequests();
  const url = await listening(createServer((_request, response) => void response.end()));
  for (const unusual of ["PROPFIND", "MKCOL", "M-SEARCH", "PURGE"]) {
    const request = httpRequest(url, { method: unusual }).end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.resume();
  }
  await meters.reaches(duration, 4, { [method]: "_OTHER" });
  for (let index = 0; index < 200; index++) trackFetch({ method: `X${index}`, url: "http://a/" }).end({ status: 200 });
  await meters.reaches(duration, 204, { [method]: "_OTHER" });
  expect(await meters.series(duration)).toHaveLength(1);
});

test("what is no HTTP is refused by the server and not counted as a request", async () => {
  const meters = meterRequests();
  const url = await listening(createServer((_request, response) => void response.end()));
  await overConnection(url, "GARBAGE\r\n\r\n", (received) => until(() => received().includes("400"), "the refusal"));
  const header = `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(100_000)}\r\n\r\n`;
  await overConnection(url, header, (received) => until(() => received().includes("431"), "the refusal"));
  expect(await meters.total(duration)).toBe(0);
  expect(await meters.total(active)).toBe(0);
});

test("paths of 100 kB and ten thousand distinct ones make no series", async () => {
  const meters = meterRequests();
  const url = await listening(
    createServer({ maxHeaderSize: 200_000 }, (_request, response) => void response.writeHead(404).end()),
  );
  expect(await get(`${url}/${"x".repeat(100_000)}`)).toBe(404);
  for (let round = 0; round < 10; round++) {
    const paths = Array.from({ length: 1_000 }, (_, index) => `GET /${round}/${index} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await overConnection(url, paths.join(""), (received) =>
      until(() => received().split("HTTP/1.1 404").length === 1_001, "a thousand answers"),
    );
  }
  await meters.reaches(duration, 10_001);
  expect(await meters.series(duration)).toHaveLength(1);
  expect(await meters.total(active)).toBe(0);
});

test("routes that an application makes of paths stay within the series limit, and every request is counted", async () => {
  const meters = collectMeters();
  for (let index = 0; index < 20_000; index++) {
    const tracking = trackFetch({ method: "GET", url: "http://a/" });
    tracking.setRoute(`/users/${index}/${"x".repeat(index % 500)}`);
    tracking.end({ status: 200 });
  }
  expect(await meters.total(duration)).toBe(20_000);
  expect((await meters.series(duration)).length).toBeLessThanOrEqual(2_000);
});

test("an upgrade to a websocket is no request in progress for as long as it lasts", async () => {
  const meters = meterRequests();
  const server = createServer((_request, response) => void response.end());
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
  const url = await listening(server);
  const socket = new WebSocket(url.replace("http", "ws"));
  await once(socket, "open");
  socket.send("hello");
  await once(socket, "message");
  expect(await meters.total(active)).toBe(0);
  await get(url);
  await meters.reaches(duration, 1);
  socket.terminate();
  await once(socket, "close");
  expect(await meters.total(duration)).toBe(1);
  expect(await meters.total(active)).toBe(0);
});

test("CONNECT, and an upgrade that nobody takes, leave nothing in progress", async () => {
  const meters = meterRequests();
  const server = createServer((_request, response) => void response.end());
  server.on("connect", (_request, socket) => void socket.end("HTTP/1.1 200 OK\r\n\r\n"));
  const url = await listening(server);
  await overConnection(url, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", (received) =>
    until(() => received().includes("200"), "the tunnel"),
  );
  const upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
  await overConnection(url, upgrade, (received) => until(() => received().includes("200"), "the answer"));
  await meters.reaches(duration, 1);
  expect(await meters.total(active)).toBe(0);
});

test("a request that is tracked by the channel, by a middleware and again is counted once", async () => {
  const meters = meterRequests();
  const url = await listening(
    createServer((request, response) => {
      trackRequest(request, response);
      trackRequest(request, response);
      response.end(() => trackRequest(request, response));
    }),
  );
  for (let index = 0; index < 10; index++) await get(url);
  await meters.reaches(duration, 10);
  await sleep(20);
  expect(await meters.total(duration)).toBe(10);
  expect(await meters.total(active)).toBe(0);
});

test("where no meters were started a middleware alone tracks requests, and those whose client hung up", async () => {
  const meters = collectMeters();
  const url = await listening(
    createServer((request, response) => {
      trackRequest(request, response);
      setRoute(request, "/all");
      if (request.url !== "/never") response.end();
    }),
  );
  await get(url);
  await get(url);
  await overConnection(url, "GET /never HTTP/1.1\r\nHost: a\r\n\r\n", () => meters.reaches(active, 1));
  await meters.reaches(duration, 3, { "http.route": "/all" });
  expect(await meters.total(duration, { "error.type": "aborted" })).toBe(1);
  expect(await meters.total(active)).toBe(0);
});

test("started twice, requests are counted once; stopped once, they still are; stopped for good, no more", async () => {
  const meters = collectMeters();
  const first = startRequestMeters();
  const second = startRequestMeters();
  const url = await listening(createServer((_request, response) => void response.end()));
  await get(url);
  await meters.reaches(duration, 1);
  first();
  first();
  await get(url);
  await meters.reaches(duration, 2);
  second();
  await get(url);
  startRequestMeters({ server: false })();
  await get(url);
  const third = startRequestMeters();
  await get(url);
  third();
  await meters.reaches(duration, 3);
  await sleep(20);
  expect(await meters.total(duration)).toBe(3);
});

test("a request that is in progress when the meters are stopped still ends", async () => {
  const meters = collectMeters();
  const stop = startRequestMeters();
  const answer = Promise.withResolvers<void>();
  const url = await listening(
    createServer((_request, response) => {
      void answer.promise.then(() => response.end());
    }),
  );
  const answered = get(url);
  await meters.reaches(active, 1);
  stop();
  answer.resolve();
  await answered;
  await meters.reaches(duration, 1);
  expect(await meters.total(active)).toBe(0);
});

test("a server that carries meterbridge.unmetered is left out, whichever way its requests are tracked", async () => {
  const meters = meterRequests();
  const server = createServer((request, response) => {
    trackRequest(request, response);
    response.end();
  });
  Object.assign(server, { [Symbol.for("meterbridge.unmetered")]: true });
  const url = await listening(server);
  await get(url);
  await get(url);
  await sleep(20);
  expect(await meters.total(duration)).toBe(0);
});

test("things that only resemble requests neither throw nor leave anything in progress", async () => {
  const meters = meterRequests();
  const strange: readonly unknown[] = [
    {},
    { socket: null },
    { httpVersionMajor: 2 },
    { socket: {}, method: 1 },
    null,
    undefined,
  ];
  for (const one of strange) {
    expect(() => trackRequest(one as never, one as never)).not.toThrow();
    expect(() => setRoute(one as never, "/a")).not.toThrow();
    expect(routeOf(one as never)).toBeUndefined();
  }
  expect(await meters.total(active)).toBe(0);
});

test.each([
  [{ server: "yes" }, `option "server" must be true or false, found "yes"`],
  [{ client: 1 }, `option "client" must be true or false, found 1`],
  [{ sever: false }, `has the options server and client, found "sever"`],
  [null, "must be an object, found null"],
])("startRequestMeters(%o) is refused with what is allowed", (options, message) => {
  expect(() => startRequestMeters(options as never)).toThrow(`[meterbridge] [http] startRequestMeters: ${message}`);
});
