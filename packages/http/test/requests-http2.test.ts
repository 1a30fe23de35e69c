import { once } from "node:events";
import { connect, constants, createServer, type ClientHttp2Stream, type Http2Server } from "node:http2";
import { expect, onTestFinished, test } from "vitest";
import { routeOf, setRoute, trackRequest } from "../src/requests.ts";
import { active, duration, listening, meterRequests } from "./requests-collecting.ts";

const status = "http.response.status_code";

/** Node.js tells of streams since version 24; before, a middleware has to. */
const isToldOf = Number(process.versions.node.split(".")[0]) >= 24;

async function client(server: Http2Server): Promise<(path: string) => ClientHttp2Stream> {
  const session = connect(await listening(server));
  onTestFinished(() => session.destroy());
  return (path) => {
    const stream = session.request({ ":path": path });
    stream.on("error", () => {});
    return stream;
  };
}

async function ended(stream: ClientHttp2Stream): Promise<void> {
  stream.resume();
  await once(stream, "close");
}

test.runIf(isToldOf)(
  "requests over HTTP/2 are metered without a middleware: answers, streams of one session, failures",
  async () => {
    const meters = meterRequests();
    const ask = await client(
      createServer((request, response) => void response.writeHead(request.url === "/fails" ? 500 : 202).end("x")),
    );
    await Promise.all([...Array.from({ length: 50 }, () => ended(ask("/"))), ended(ask("/fails"))]);
    await meters.reaches(duration, 51);
    expect(await meters.series(duration)).toEqual([
      { attributes: { "http.request.method": "GET", "url.scheme": "http", [status]: 202 }, value: 50 },
      {
        attributes: { "http.request.method": "GET", "url.scheme": "http", [status]: 500, "error.type": "500" },
        value: 1,
      },
    ]);
    expect(await meters.total(active)).toBe(0);
  },
);

test("a middleware meters HTTP/2 on every version of Node.js, once, with the route", async () => {
  const meters = meterRequests();
  const ask = await client(
    createServer((request, response) => {
      trackRequest(request, response);
      setRoute(request, "/users/:id");
      expect(routeOf(request)).toBe("/users/:id");
      trackRequest(request, response);
      response.end("x");
    }),
  );
  for (let index = 0; index < 20; index++) await ended(ask(`/users/${index}`));
  await meters.reaches(duration, 20, { "http.route": "/users/:id", [status]: 200 });
  expect(await meters.total(duration)).toBe(20);
  expect(await meters.total(active)).toBe(0);
});

test("a server of HTTP/2 that carries meterbridge.unmetered is left out", async () => {
  const meters = meterRequests();
  const server = createServer((request, response) => {
    trackRequest(request, response);
    response.end();
  });
  const ask = await client(Object.assign(server, { [Symbol.for("meterbridge.unmetered")]: true }));
  await ended(ask("/"));
  expect(await meters.total(duration)).toBe(0);
  expect(await meters.total(active)).toBe(0);
});

test("a stream that its client cancels is one aborted request", async () => {
  const meters = meterRequests();
  const ask = await client(
    createServer((request, response) => {
      trackRequest(request, response);
      response.write("half of it");
    }),
  );
  const stream = ask("/");
  await once(stream, "response");
  await meters.reaches(active, 1);
  stream.close(constants.NGHTTP2_CANCEL);
  await meters.reaches(duration, 1, { "error.type": "aborted", [status]: 200 });
  expect(await meters.total(active)).toBe(0);
});

test("a session that breaks off ends all its requests", async () => {
  const meters = meterRequests();
  const ask = await client(createServer(trackRequest));
  const streams = [ask("/"), ask("/"), ask("/")];
  await meters.reaches(active, 3);
  streams[0]?.session?.destroy();
  await meters.reaches(duration, 3, { "error.type": "aborted" });
  expect(await meters.total(active)).toBe(0);
});
