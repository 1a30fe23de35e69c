import type { ServerResponse } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createDeflate,
  createGzip,
  deflateSync,
  gzipSync,
} from "node:zlib";
import type { Answer, Delivery, Frame } from "./reply.ts";

type StreamedAnswer = Extract<Answer, { frames: readonly Frame[] }>;

/** Sends a whole answer. */
export function deliverWhole(response: ServerResponse, status: number, body: unknown, delivery: Delivery): void {
  const plain = Buffer.from(JSON.stringify(body));
  const bytes = delivery.encoding === undefined ? plain : whole[delivery.encoding](plain);
  response.writeHead(status, {
    "content-type": "application/json",
    ...(delivery.encoding !== undefined && { "content-encoding": delivery.encoding }),
    "content-length": delivery.contentLength ?? bytes.length,
    ...delivery.headers,
  });
  if (delivery.holdAfter !== undefined) return void response.write(bytes.subarray(0, bytes.length / 2));
  if (delivery.contentLength === undefined && delivery.destroyAfter === undefined) return void response.end(bytes);
  // What follows the length that was told would be read as the next answer: the connection ends here.
  response.write(delivery.destroyAfter === undefined ? bytes : bytes.subarray(0, bytes.length / 2), () =>
    response.destroy(),
  );
}

/** Sends a stream frame by frame. Resolves at its end, or when the client has hung up. `held` is called when nothing more is sent. */
export async function deliverStream(
  response: ServerResponse,
  answer: StreamedAnswer,
  delivery: Delivery,
  held: () => void,
): Promise<void> {
  response.writeHead(200, {
    "content-type": answer.contentType,
    "cache-control": "no-cache",
    ...(delivery.encoding !== undefined && { "content-encoding": delivery.encoding }),
    ...delivery.headers,
  });
  response.flushHeaders();
  const compressed = delivery.encoding === undefined ? undefined : streamed[delivery.encoding]();
  compressed?.pipe(response);
  const out = compressed ?? response;
  const gone = new Promise<void>((resolve) => response.once("close", resolve));
  const hold = (): Promise<void> => {
    held();
    return gone;
  };
  const write = async (text: string): Promise<void> => {
    for (const piece of pieces(Buffer.from(text), delivery.cut)) {
      out.write(piece);
      compressed?.flush();
      await Promise.race([turn(), gone]);
    }
  };

  const lineEnd = delivery.lineEnd ?? "\n";
  const isEvents = answer.contentType === "text/event-stream";
  let sent = 0;
  for (const { text, isContent } of answer.frames) {
    if (sent === delivery.holdAfter && (isContent || sent > 0 || delivery.holdAfter === 0)) return hold();
    if (sent === delivery.destroyAfter && (isContent || sent > 0)) {
      // Once everything before is on its way.
      await turn();
      return void response.destroy();
    }
    const comment = isEvents && delivery.comments === true ? ": keep-alive\n\n" : "";
    await write(
      `${comment}${text}${answer.separator}`.replaceAll("\r\n", "\n").replaceAll("\n", lineEndOf(answer, lineEnd)),
    );
    if (response.destroyed) return;
    if (isContent) sent += 1;
  }
  if (sent === delivery.holdAfter) return hold();
  out.end();
}

/** Sends what is given, piece by piece, as fast as it is read. */
export async function deliverRaw(
  response: ServerResponse,
  status: number,
  contentType: string,
  frames: Iterable<string | Uint8Array>,
  delivery: Delivery,
): Promise<void> {
  const length = delivery.contentLength === undefined ? {} : { "content-length": delivery.contentLength };
  response.writeHead(status, { "content-type": contentType, ...length, ...delivery.headers });
  const gone = new Promise<void>((resolve) => response.once("close", resolve));
  for (const frame of frames) {
    if (response.destroyed) return;
    if (!response.write(frame)) await Promise.race([new Promise((resolve) => response.once("drain", resolve)), gone]);
  }
  if (delivery.contentLength === undefined) response.end();
  else response.destroy();
}

/** Gemini ends its lines with CR LF by itself. */
function lineEndOf({ separator }: StreamedAnswer, lineEnd: string): string {
  return separator.includes("\r\n") ? "\r\n" : lineEnd;
}

function pieces(bytes: Buffer, cut: Delivery["cut"]): Buffer[] {
  const size = cut === "bytes" ? 1 : (cut ?? bytes.length);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

const whole = { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync };
const streamed = {
  gzip: () => createGzip({ flush: constants.Z_SYNC_FLUSH }),
  br: () => createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH }),
  deflate: () => createDeflate({ flush: constants.Z_SYNC_FLUSH }),
};
