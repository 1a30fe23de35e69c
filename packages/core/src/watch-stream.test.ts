import fc from "fast-check";
import { EventEmitter } from "node:events";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { createWatcher } from "./watched-reading.ts";
import { streamIn, watchStream } from "./watch-stream.ts";

const secret = new TypeError("the line went dead");
const abort = new DOMException("given up", "AbortError");

/** What ends the source after its last piece. */
type SourceEnd = "done" | "fails" | "aborts";
/** What the reader does, one after another; reading on after the end included. */
type Step = "next" | "return" | "throw";

const kinds = ["generator", "iterable", "client stream", "web stream", "web stream by its reader"] as const;

test("however a stream is read, left and fails, it ends exactly once, by what came first", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...kinds),
      fc.nat(4),
      fc.constantFrom<SourceEnd>("done", "fails", "aborts"),
      fc.array(fc.constantFrom<Step>("next", "next", "next", "return", "throw"), { minLength: 1, maxLength: 9 }),
      async (kind, pieces, sourceEnd, steps) => {
        const { told, stream } = watched(makeStream(kind, pieces, sourceEnd));
        const reader = readerOf(kind, stream);
        for (const step of steps) await reader[step]();
        expect(told).toEqual(expectedOf(pieces, sourceEnd, steps));
      },
    ),
    { numRuns: 400 },
  );
});

test.each(kinds)("a %s gives the same pieces to a reader that is watched, and is the same object", async (kind) => {
  const original = makeStream(kind, 3, "done");
  const { told, stream } = watched(original);
  expect(stream).toBe(original);
  const pieces: unknown[] = [];
  for await (const piece of stream as AsyncIterable<unknown>) pieces.push(piece);
  expect(pieces).toEqual([0, 1, 2]);
  expect(told).toEqual([0, 1, 2, "ended"]);
});

test("what stands before a stream's own methods does not show, so that whoever copies or lists it sees no change", () => {
  for (const kind of kinds) {
    const stream = makeStream(kind, 1, "done");
    const before = Object.keys(stream);
    watched(stream);
    expect(Object.keys(stream)).toEqual(before);
  }
});

test("a web stream that is piped, teed or read as bytes of an answer is seen too", async () => {
  const piped = watched(makeStream("web stream", 2, "done"));
  const pieces: unknown[] = [];
  await (piped.stream as ReadableStream).pipeTo(new WritableStream({ write: (piece) => void pieces.push(piece) }));
  expect(pieces).toEqual([0, 1]);
  expect(piped.told).toEqual([0, 1, "ended"]);

  const through = watched(makeStream("web stream", 2, "done"));
  for await (const piece of (through.stream as ReadableStream).pipeThrough(new TransformStream())) pieces.push(piece);
  expect(through.told).toEqual([0, 1, "ended"]);

  const teed = watched(makeStream("web stream", 2, "done"));
  const [one, other] = (teed.stream as ReadableStream).tee();
  for await (const piece of one) pieces.push(piece);
  for await (const piece of other) pieces.push(piece);
  expect(teed.told).toEqual([0, 1, "ended"]);
  expect(pieces).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
});

test.each(["done", "fails"] as const)("a web stream that was piped (%s) is no longer locked", async (end) => {
  for (const make of [makeStream, (...how: Parameters<typeof makeStream>) => watched(makeStream(...how)).stream]) {
    const stream = make("web stream", 2, end) as ReadableStream;
    await stream.pipeTo(new WritableStream()).catch(() => {});
    expect(stream.locked).toBe(false);
    const through = make("web stream", 2, end) as ReadableStream;
    await through
      .pipeThrough(new TransformStream())
      .pipeTo(new WritableStream())
      .catch(() => {});
    expect(through.locked).toBe(false);
    const left = make("web stream", 2, end) as ReadableStream;
    const failing = new WritableStream({
      write() {
        throw secret;
      },
    });
    await expect(left.pipeTo(failing)).rejects.toBe(secret);
    expect(left.locked).toBe(false);
  }
});

test("a pipe from a web stream that is read already is refused by a promise, as without watching", async () => {
  for (const stream of [makeStream("web stream", 2, "done"), watched(makeStream("web stream", 2, "done")).stream]) {
    const locked = stream as ReadableStream;
    locked.getReader();
    const piping = locked.pipeTo(new WritableStream());
    await expect(piping).rejects.toThrow(TypeError);
  }
});

test("a web stream that is cancelled before anybody reads is given up", async () => {
  const { told, stream } = watched(makeStream("web stream", 2, "done"));
  await (stream as ReadableStream).cancel();
  expect(told).toEqual(["left"]);
});

test("a client's stream that ends quietly because its request was aborted is no success", async () => {
  const { told, stream, ends } = watched(makeStream("client stream", 1, "done"));
  (stream as { controller: AbortController }).controller.abort();
  for await (const piece of stream as AsyncIterable<unknown>) void piece;
  expect(told).toEqual([0, "ended"]);
  expect(ends).toEqual([{ isAborted: true }]);
});

test.each([
  ["read to its end", (stream: Readable) => void stream.resume(), "ended"],
  ["destroyed", (stream: Readable) => void stream.destroy(), "left"],
  ["failing", (stream: Readable) => void stream.on("error", () => {}).destroy(secret), "failed"],
])("a stream of Node's that is %s ends so, without being set flowing", async (_name, act, ending) => {
  const stream = Readable.from([Buffer.from("a"), Buffer.from("b")]);
  const { told } = watched(stream);
  expect(stream.readableFlowing).toBeNull();
  const closed = new Promise((resolve) => stream.once("close", resolve));
  act(stream);
  await closed;
  expect(told).toEqual([ending]);
});

test.each([
  ["ended well", {}, "ended", {}],
  ["was aborted", { aborted: true, errored: true }, "left", undefined],
  ["failed", { errored: true }, "ended", { isFailed: true }],
])(
  "a client's emitter that %s ends so, and nobody listens for its errors in the caller's place",
  (_name, state, ending, end) => {
    const emitter = Object.assign(new EventEmitter(), {
      controller: new AbortController(),
      done: async () => {},
      ended: false,
      aborted: false,
      errored: false,
    });
    const { told, ends } = watched(emitter);
    emitter.emit("chunk", 0, "snapshot");
    Object.assign(emitter, state);
    emitter.emit("end");
    expect(emitter.listenerCount("error")).toBe(0);
    expect(told).toEqual([0, ending]);
    expect(ends).toEqual(end === undefined ? [] : [expect.objectContaining(end)]);
  },
);

test("a stream that lets nobody watch it counts as read, and works", async () => {
  const { told, stream } = watched(Object.freeze({ [Symbol.asyncIterator]: () => numbers(2, "done") }));
  for await (const piece of stream as AsyncIterable<unknown>) void piece;
  expect(told).toEqual(["ended"]);
});

test("a failure reaches whoever reads as it is", async () => {
  for (const kind of kinds) {
    const { stream } = watched(makeStream(kind, 0, "fails"));
    const iterator = (stream as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    await expect(iterator.next()).rejects.toBe(secret);
  }
});

test.each([undefined, null, 5, "text", {}, [], { data: 5 }, { $metadata: {} }, new Map(), Promise.resolve(1)])(
  "what is no stream (%o) is not taken for one",
  (result) => {
    expect(streamIn(result)).toBeUndefined();
  },
);

test("the stream that a result holds is found where the clients of Bedrock, OpenAI and Anthropic put it", () => {
  const stream = makeStream("iterable", 1, "done");
  expect(streamIn({ $metadata: {}, stream })).toBe(stream);
  expect(streamIn({ data: stream, response: {}, request_id: "1" })).toBe(stream);
});

function watched(stream: object): { told: unknown[]; ends: unknown[]; stream: object } {
  const told: unknown[] = [];
  const ends: unknown[] = [];
  const reading = {
    begin: () => undefined,
    piece: (_branch: undefined, value: unknown) => void told.push(value),
    ended(_branch: undefined, end: object) {
      told.push("ended");
      ends.push(end);
    },
    failed: () => void told.push("failed"),
    left: () => void told.push("left"),
  };
  watchStream(
    stream,
    createWatcher(reading, (error) => {
      throw error;
    }),
  );
  return { told, ends, stream };
}

async function* numbers(pieces: number, end: SourceEnd): AsyncGenerator<number> {
  for (let piece = 0; piece < pieces; piece++) yield piece;
  if (end === "fails") throw secret;
  if (end === "aborts") throw abort;
}

function makeStream(kind: (typeof kinds)[number], pieces: number, end: SourceEnd): object {
  const source = numbers(pieces, end);
  if (kind === "generator") return source;
  if (kind === "iterable") return { [Symbol.asyncIterator]: () => source };
  if (kind === "client stream") return new ClientStream(() => source);
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  });
}

/** Made like the streams of OpenAI's and Anthropic's clients. */
class ClientStream {
  readonly controller = new AbortController();
  readonly iterator: () => AsyncIterator<number>;
  constructor(iterator: () => AsyncIterator<number>) {
    this.iterator = iterator;
    Object.defineProperty(this, "controller", { enumerable: true });
  }
  [Symbol.asyncIterator](): AsyncIterator<number> {
    return this.iterator();
  }
}

type Reader = Readonly<Record<Step, () => Promise<void>>>;

function readerOf(kind: (typeof kinds)[number], stream: object): Reader {
  const quietly = async (work: () => Promise<unknown> | undefined): Promise<void> => {
    await work()?.catch(() => {});
  };
  if (kind === "web stream by its reader") {
    const reader = (stream as ReadableStream).getReader();
    const cancel = (): Promise<void> => quietly(() => reader.cancel());
    return { next: () => quietly(() => reader.read()), return: cancel, throw: cancel };
  }
  const iterator = (stream as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  return {
    next: () => quietly(() => iterator.next()),
    return: () => quietly(() => iterator.return?.()),
    // A web stream's iterator cannot be thrown into; whoever leaves it returns.
    throw: () => quietly(() => (iterator.throw ? iterator.throw(new Error("thrown in")) : iterator.return?.())),
  };
}

/** The pieces read, and then one ending, unless the reader stopped without telling. */
function expectedOf(pieces: number, sourceEnd: SourceEnd, steps: readonly Step[]): unknown[] {
  const told: unknown[] = [];
  for (const step of steps) {
    if (step !== "next") return [...told, "left"];
    if (told.length < pieces) told.push(told.length);
    else return [...told, { done: "ended", fails: "failed", aborts: "left" }[sourceEnd]];
  }
  return told;
}
