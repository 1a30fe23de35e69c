import { Readable, Writable } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";

/** A way in which a client may read an answer. Resolves to all that it saw of it. */
export type WayOfReading = (answer: Response) => Promise<unknown>;

/** All ways that are known, by name. */
export const waysOfReading: Readonly<Record<string, WayOfReading>> = {
  json: (answer) => answer.json(),
  text: (answer) => answer.text(),
  arrayBuffer: async (answer) => joined([new Uint8Array(await answer.arrayBuffer())]),
  bytes: async (answer) => joined([await answer.bytes()]),
  blob: async (answer) => {
    const blob = await answer.blob();
    return [blob.type, await blob.text()];
  },
  formData: (answer) => answer.formData(),
  "text of the class": (answer) => Response.prototype.text.call(answer),
  "json of the class": (answer) => Response.prototype.json.call(answer),
  "text twice": (answer) => told(answer.text(), answer.text()),
  "json after text": async (answer) => told(answer.text(), answer.json()),
  "a reader": (answer) => readAll(bodyOf(answer).getReader()),
  "a reader with several reads at once": async (answer) => {
    const reader = bodyOf(answer).getReader();
    const pieces: Uint8Array[] = [];
    for (;;) {
      const results = await Promise.all(Array.from({ length: 4 }, () => reader.read()));
      pieces.push(...results.flatMap(({ value }) => value ?? []));
      if (results.some(({ done }) => done)) return joined(pieces);
    }
  },
  "a reader let go and taken again": async (answer) => {
    const body = bodyOf(answer);
    const first = body.getReader();
    const { value } = await first.read();
    first.releaseLock();
    const rest = await readBytes(body.getReader());
    return joined([value ?? new Uint8Array(), ...rest]);
  },
  "a reader into a buffer of its own": async (answer) => {
    const reader = bodyOf(answer).getReader({ mode: "byob" });
    const pieces: Uint8Array[] = [];
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(7));
      if (value !== undefined) pieces.push(value);
      if (done) return [joined(pieces), value?.byteLength];
    }
  },
  "for await": async (answer) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of bodyOf(answer)) pieces.push(piece);
    return joined(pieces);
  },
  "for await of values": async (answer) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of bodyOf(answer).values({ preventCancel: true })) pieces.push(piece);
    return joined(pieces);
  },
  "a decoder": async (answer) => {
    let text = "";
    for await (const piece of bodyOf(answer).pipeThrough(new TextDecoderStream())) text += piece;
    return text;
  },
  "a pipe": async (answer) => {
    const pieces: Uint8Array[] = [];
    await bodyOf(answer).pipeTo(new WritableStream({ write: (piece: Uint8Array) => void pieces.push(piece) }));
    return joined(pieces);
  },
  "a tee": async (answer) => {
    const [one, other] = bodyOf(answer).tee();
    return Promise.all([readAll(one.getReader()), readAll(other.getReader())]);
  },
  "a clone": async (answer) => {
    const copy = answer.clone();
    return told(answer.text(), copy.text());
  },
  "a clone of the class": async (answer) => {
    const copy = Response.prototype.clone.call(answer);
    return told(answer.text(), copy.text());
  },
  "a clone of a clone": async (answer) => {
    const copy = answer.clone();
    const another = copy.clone();
    return told(another.json(), copy.text(), answer.text());
  },
  "a clone too late": async (answer) => {
    const text = await answer.text();
    return [text, answer.clone().status];
  },
  "a response around its body": (answer) => new Response(answer.body, { status: 201 }).text(),
  "a stream of Node.js": async (answer) => {
    const pieces: Buffer[] = [];
    for await (const piece of Readable.fromWeb(bodyOf(answer) as never)) pieces.push(piece as Buffer);
    return joined(pieces);
  },
  "a pipeline of Node.js": async (answer) => {
    const pieces: Buffer[] = [];
    const sink = new Writable({
      write(piece: Buffer, _encoding, done) {
        pieces.push(piece);
        done();
      },
    });
    await pipeline(bodyOf(answer) as never, sink);
    return joined(pieces);
  },
  "a consumer of Node.js": (answer) => textOf(bodyOf(answer) as never),
  cancel: async (answer) => [await answer.body?.cancel("enough"), answer.bodyUsed],
  "cancel of a reader": async (answer) => {
    const reader = bodyOf(answer).getReader();
    const first = await reader.read();
    return [first.value?.[0], await reader.cancel("enough"), await reader.read()];
  },
  "cancel while locked": async (answer) => {
    const reader = bodyOf(answer).getReader();
    return told(bodyOf(answer).cancel("no"), readAll(reader));
  },
  "break in for await": async (answer) => {
    for await (const piece of bodyOf(answer)) return piece[0];
    return "nothing";
  },
  "nothing at all": async () => "unread",
};

function bodyOf(answer: Response): ReadableStream<Uint8Array> {
  if (answer.body === null) throw new Error("the answer has no body");
  return answer.body as ReadableStream<Uint8Array>;
}

async function readBytes(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return pieces;
    pieces.push(value);
  }
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  return joined(await readBytes(reader));
}

function joined(pieces: readonly Uint8Array[]): string {
  return Buffer.concat(pieces).toString("latin1");
}

/** What each came to, whether it was kept or not. */
async function told(...promises: readonly Promise<unknown>[]): Promise<unknown> {
  const results = await Promise.allSettled(promises);
  return results.map((result) => (result.status === "fulfilled" ? result.value : describeError(result.reason)));
}

/** An error without its stack. */
export function describeError(error: unknown): string {
  const { name, message, code, cause } = error as { name?: string; message?: string; code?: unknown; cause?: unknown };
  return `${name}: ${message} ${String(code)}${cause === undefined ? "" : ` by ${describeError(cause)}`}`;
}
