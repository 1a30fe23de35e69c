import { createServer, type Socket } from "node:net";
import { createServer as createHttpServer, type IncomingHttpHeaders } from "node:http";
import { gunzipSync } from "node:zlib";

export interface FakeCollector {
  readonly url: string;
  /** What arrived, by path. Protobuf keeps texts readable. */
  received(path: string): string;
  /** The headers of each request, by path. */
  headers(path: string): readonly IncomingHttpHeaders[];
  close(): Promise<void>;
}

/** Takes OTLP over HTTP and keeps the bodies. */
export async function acceptingCollector(): Promise<FakeCollector> {
  const bodies: { path: string; body: string; headers: IncomingHttpHeaders }[] = [];
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { url = "", headers } = request;
      const sent = Buffer.concat(chunks);
      const body = headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent;
      bodies.push({ path: url, body: body.toString("latin1"), headers });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: urlOf(server.address()),
    received: (path) =>
      bodies
        .filter((each) => each.path === path)
        .map(({ body }) => body)
        .join("\n"),
    headers: (path) => bodies.filter((each) => each.path === path).map(({ headers }) => headers),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Accepts connections and never answers, or sends a byte of an answer every 100 ms and never ends it. */
export async function hangingCollector(way: "silent" | "dripping" = "silent"): Promise<FakeCollector> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    if (way === "silent") return;
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
    const timer = setInterval(() => socket.write("x"), 100);
    socket.on("close", () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: urlOf(server.address()),
    received: () => "",
    headers: () => [],
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function urlOf(address: ReturnType<ReturnType<typeof createServer>["address"]>): string {
  if (address === null || typeof address === "string") throw new Error("the collector has no port");
  return `http://127.0.0.1:${address.port}`;
}
