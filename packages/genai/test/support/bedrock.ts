import { createServer as createServer1, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createServer2, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { crc32 } from "node:zlib";

/** What Bedrock answers to one request. */
export interface BedrockReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A whole answer. */
  readonly body?: object;
  /** A stream's events by their kinds; `hold` keeps the line open after those before it, `destroy` cuts it. */
  readonly events?: readonly (readonly [type: string, payload: object] | "hold" | "destroy")[];
}

/** Stands for Amazon Bedrock on a loopback port, over HTTP/1.1 or HTTP/2 without TLS. */
export interface Bedrock {
  readonly url: string;
  script(...replies: readonly BedrockReply[]): void;
  /** Paths that were asked for. */
  readonly paths: readonly string[];
  stop(): Promise<void>;
}

export async function startBedrock(version: 1 | 2): Promise<Bedrock> {
  const scripted: BedrockReply[] = [];
  const paths: string[] = [];
  const answer = (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ): void => {
    request.resume();
    request.on("end", () => {
      paths.push(decodeURIComponent(request.url ?? ""));
      void reply(scripted.shift() ?? {}, response as ServerResponse);
    });
  };
  const server = version === 1 ? createServer1(answer) : createServer2(answer);
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    script: (...replies) => void scripted.push(...replies),
    paths,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function reply(
  { status = 200, headers = {}, body, events }: BedrockReply,
  response: ServerResponse,
): Promise<void> {
  response.on("error", () => {});
  if (events === undefined) {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    return void response.end(JSON.stringify(body ?? {}));
  }
  response.writeHead(status, { "content-type": "application/vnd.amazon.eventstream", ...headers });
  for (const event of events) {
    if (event === "hold") return;
    // Each a packet of its own.
    await new Promise((resolve) => setImmediate(resolve));
    if (event === "destroy") {
      const { stream } = response as { stream?: { close(code: number): void } };
      return stream === undefined ? void response.destroy() : stream.close(2);
    }
    response.write(frame(...event));
  }
  response.end();
}

/** One message of the event stream encoding (`application/vnd.amazon.eventstream`). */
function frame(type: string, payload: object): Buffer {
  const isException = type.endsWith("Exception");
  const headers = Buffer.concat([
    header(isException ? ":exception-type" : ":event-type", type),
    header(":content-type", "application/json"),
    header(":message-type", isException ? "exception" : "event"),
  ]);
  const body = Buffer.from(JSON.stringify(payload));
  const prelude = Buffer.alloc(8);
  prelude.writeUInt32BE(16 + headers.length + body.length, 0);
  prelude.writeUInt32BE(headers.length, 4);
  const message = Buffer.concat([prelude, checksum(prelude), headers, body]);
  return Buffer.concat([message, checksum(message)]);
}

function header(name: string, value: string): Buffer {
  const stringType = 7;
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Buffer.byteLength(value));
  return Buffer.concat([
    Buffer.from([Buffer.byteLength(name)]),
    Buffer.from(name),
    Buffer.from([stringType]),
    length,
    Buffer.from(value),
  ]);
}

function checksum(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum;
}
