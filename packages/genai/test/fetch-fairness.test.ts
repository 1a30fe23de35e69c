import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { meterFetch } from "../src/fetch/meter-fetch.ts";
import { startMeters } from "./support/meters.ts";
import { describeError, type WayOfReading, waysOfReading } from "./support/ways-of-reading.ts";

/** What the server does with the next request. */
interface Behaviour {
  readonly status: number;
  readonly contentType: string;
  /** How long they are, where they are to be cut otherwise. */
  readonly cut?: number;
  readonly pieces: readonly Uint8Array[];
  readonly isCompressed?: boolean;
  /** `lie`: a length is told that is not reached. */
  readonly end: "end" | "destroy" | "lie";
  /** The caller asks for usage itself, so that nothing is hidden from it. */
  readonly isAsked?: boolean;
}

let url = "";
let behaviour: Behaviour;
const server = createServer((request, response) => void answer(request, response));
const bare = globalThis.fetch;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let asked = "";
  for await (const piece of request) asked += String(piece);
  response.sendDate = false;
  response.on("error", () => {});
  const { status, contentType, isCompressed = false, end, cut } = behaviour;
  // As providers do: usage only when it is asked for.
  const pieces = behaviour.pieces.filter((piece) => piece !== usage || asked.includes('"include_usage":true'));
  const whole = isCompressed ? gzipSync(Buffer.concat(pieces)) : Buffer.concat(pieces);
  const sent =
    cut === undefined
      ? pieces
      : Array.from({ length: Math.ceil(whole.length / cut) }, (_, at) => whole.subarray(at * cut, (at + 1) * cut));
  response.writeHead(status, {
    "content-type": contentType,
    ...(isCompressed && { "content-encoding": "gzip" }),
    ...(end === "lie" && { "content-length": 10_000 }),
  });
  response.flushHeaders();
  for (const piece of sent) {
    await new Promise<void>((resolve) => response.write(piece, () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (end === "end") response.end();
  else response.destroy();
}

const call = { model: "some-model", messages: [{ role: "user", content: "Hello" }], stream: true };

/** From Node.js 26 on the class clones past its own stream's methods, so that nothing can be hidden from who calls it so. */
function ways(hides: boolean): string[] {
  return Object.keys(waysOfReading).filter((way) => !(hides && way === "a clone of the class" && nodeMajor >= 26));
}

const nodeMajor = Number.parseInt(process.versions.node, 10);

async function ask(fetch: typeof globalThis.fetch, read: WayOfReading): Promise<unknown> {
  const path = "/v1/chat/completions";
  const body = { ...call, ...(behaviour.isAsked === true && { stream_options: { include_usage: true } }) };
  const init = { method: "POST", body: JSON.stringify(body), headers: { connection: "close" } };
  try {
    const response = await fetch(`${url}${path}`, init);
    const before = stateOf(response);
    const result = await read(response).catch((error: unknown) => `threw ${describeError(error)}`);
    return { before, result, after: [response.bodyUsed, response.body?.locked] };
  } catch (error) {
    return describeError(error);
  }
}

function stateOf(response: Response): unknown {
  const { status, statusText, ok, redirected, type, bodyUsed, body, headers } = response;
  return {
    told: [status, statusText, ok, redirected, type, bodyUsed, response.url, body?.locked],
    headers: [...headers],
    keys: [Object.keys(response), Object.keys(Object(body)), Object.prototype.toString.call(response)],
    isItself: response.body === body && response instanceof Response && body instanceof ReadableStream,
  };
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const usage = encode(`data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } })}\n\n`);
const events = (...texts: readonly string[]): Uint8Array[] => [
  ...texts.map((text) => encode(`data: ${JSON.stringify({ choices: [{ delta: { content: text } }] })}\n\n`)),
  usage,
  encode("data: [DONE]\n\n"),
];

const wholeAnswer = [
  encode('{"choices":[{"message":{"content":"Grüße'),
  encode('"}}],"usage":{"prompt_tokens":3,"completion_tokens":2}}'),
];

const behaviours: Readonly<Record<string, Behaviour>> = {
  "a whole answer": { status: 200, contentType: "application/json", pieces: wholeAnswer, end: "end" },
  "a compressed one": {
    status: 200,
    contentType: "application/json",
    pieces: wholeAnswer,
    isCompressed: true,
    cut: 20,
    end: "end",
  },
  "one that is no JSON": { status: 200, contentType: "application/json", pieces: [encode('{"choices":')], end: "end" },
  "an empty one": { status: 200, contentType: "application/json", pieces: [], end: "end" },
  "none at all": { status: 204, contentType: "application/json", pieces: [], end: "end" },
  "an error": {
    status: 429,
    contentType: "application/json",
    pieces: [encode('{"error":{"message":"no"}}')],
    end: "end",
  },
  "a stream": { status: 200, contentType: "text/event-stream", pieces: events("Hello", " Wörld"), end: "end" },
  "a stream with usage asked for": {
    status: 200,
    contentType: "text/event-stream",
    pieces: events("Hello", " Wörld"),
    end: "end",
    isAsked: true,
  },
  "a form": {
    status: 200,
    contentType: "multipart/form-data; boundary=xx",
    pieces: [encode('--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--xx--\r\n')],
    end: "end",
  },
};

describe.each(Object.entries(behaviours))("to a client %s is what it is without us", (name, given) => {
  test.each(ways(name === "a stream"))("read by %s", async (way) => {
    startMeters();
    behaviour = given;
    const read = waysOfReading[way]!;
    expect(await ask(meterFetch(bare), read)).toEqual(await ask(bare, read));
  });
});

test("whatever a server sends, a client sees what it sees without us", async () => {
  startMeters();
  const pieceOf = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc
      .constantFrom("data: ", "\n", "\r\n", "\n\n", "{", "}", '"usage":{', "[DONE]", "data: {}\n\n", ": x\n\n")
      .map(encode),
    fc.constant(usage),
  );
  await expectFairness({
    status: fc.constantFrom(200, 200, 200, 201, 206, 404, 500),
    contentType: fc.constantFrom("text/event-stream", "application/json", "application/x-ndjson", "audio/mpeg", ""),
    pieces: fc.array(pieceOf, { maxLength: 8 }),
    isAsked: fc.constant(true),
  });
});

test("however a stream is cut, a client sees nothing of the usage that it did not ask for", async () => {
  startMeters();
  await expectFairness({
    status: fc.constant(200),
    contentType: fc.constant("text/event-stream; charset=utf-8"),
    pieces: fc.array(fc.string({ unit: "grapheme", maxLength: 9 }), { maxLength: 5 }).map((texts) => events(...texts)),
    isAsked: fc.constant(false),
  });
});

async function expectFairness(given: {
  [Name in "status" | "contentType" | "pieces" | "isAsked"]: fc.Arbitrary<Required<Behaviour>[Name]>;
}): Promise<void> {
  const behaviourOf = fc.record({
    ...given,
    isCompressed: fc.boolean(),
    cut: fc.integer({ min: 1, max: 50 }),
    end: fc.constant("end" as const),
  });
  await fc.assert(
    fc.asyncProperty(behaviourOf, fc.constantFrom(...ways(true)), async (next, way) => {
      behaviour = next;
      const read = waysOfReading[way]!;
      expect(await ask(meterFetch(bare), read)).toEqual(await ask(bare, read));
    }),
    { numRuns: 100 },
  );
}

describe.each(["destroy", "lie"] as const)("an answer that is cut off (%s)", (end) => {
  const broken = [
    "json",
    "text",
    "text of the class",
    "arrayBuffer",
    "a reader",
    "for await",
    "a decoder",
    "a stream of Node.js",
  ];
  test.each(["text/event-stream", "application/json"].flatMap((type) => broken.map((way) => [type, way] as const)))(
    "fails for a client as it does without us: %s read by %s",
    async (contentType, way) => {
      startMeters();
      behaviour = { status: 200, contentType, pieces: events("Hello"), end, isAsked: true };
      const failed = await ask(bare, waysOfReading[way]!);
      // To Node.js 22 a connection that was to be closed is closed.
      if (end === "lie" || nodeMajor > 22) {
        expect(failed).toMatchObject({ result: expect.stringContaining("TypeError: terminated") });
      }
      expect(await ask(meterFetch(bare), waysOfReading[way]!)).toEqual(failed);
    },
  );
});
