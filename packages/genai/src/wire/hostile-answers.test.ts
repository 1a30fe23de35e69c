import fc from "fast-check";
import { expect, test } from "vitest";
import { formats } from "./formats.ts";
import { createRequestReader, readStream, splitAt } from "../../test/support/read-stream.ts";
import { textIn } from "./text-amount.ts";
import type { CallRoute, WireFormat } from "./wire-format.ts";

const { route, facts } = createRequestReader("https://api.openai.com/v1/chat/completions", {
  model: "gpt-5",
  stream: true,
  messages: [{ role: "user", content: "Say hello" }],
});
const hiding = { ...facts, hidesUsage: true };
const everyFormat = Object.values(formats).map((format): readonly [string, WireFormat] => [format.name, format]);

const fragment = fc.oneof(
  fc.constantFrom(
    "data: ",
    "data:",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    "event: error\n",
    ": comment\n",
    "id: 1\n",
    "[DONE]",
    "\u0000",
    "\uFEFF",
    '{"choices":[],',
    '"usage":',
    "null",
    "{}",
    '{"prompt_tokens":',
    "-5",
    "1e400",
    "0.5",
    '"12"',
    "}",
    "]}",
    "[",
    "[{",
    '"',
    "\\",
    "\\u12",
    '{"__proto__":{"usage":{"prompt_tokens":1}}}',
    '{"error":',
    '{"type":"message_start","message":5}',
    '{"type":"error"}',
    '"usageMetadata":[]',
    "中",
  ),
  fc.json(),
  fc.string({ unit: "binary", maxLength: 20 }),
);
const stream = fc.oneof(
  fc.array(fragment, { maxLength: 40 }).map((parts) => Buffer.from(parts.join(""))),
  fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
);

test.each(everyFormat)(
  "no stream breaks the reading of %s, and every byte passes on in the object that came",
  (_name, format) => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 10 }), fc.boolean(), (bytes, cuts, isCut) => {
        const reader = format.createReader(facts);
        for (const piece of splitAt(bytes, cuts)) expect(reader.readPiece(piece)).toBe(piece);
        if (!isCut) expect(reader.readEnd()).toBeUndefined();
        const { usageSource } = reader.ending(isCut);
        expect(["provider", "partial", "estimated", "none"]).toContain(usageSource);
        expect(reader.failure() ?? "none").toMatch(/^[a-z_]{1,40}$/i);
        expect(reader.unreadable() ?? "").toMatch(/^[a-zA-Z ,]*$/);
      }),
      { numRuns: 200 },
    );
  },
);

test.each(everyFormat)("no whole answer breaks the reading of %s", (_name, format) => {
  const value = fc.oneof(fc.jsonValue(), fc.constant(undefined), fc.array(fc.jsonValue(), { maxLength: 3 }));
  const counts = fc.dictionary(
    fc.constantFrom(
      "prompt_tokens",
      "completion_tokens",
      "input_tokens",
      "output_tokens",
      "promptTokenCount",
      "tokens",
    ),
    fc.oneof(fc.double(), fc.bigInt().map(String), fc.jsonValue()),
  );
  const answer = fc.oneof(
    value,
    fc.record({ model: value, usage: counts, usageMetadata: counts, choices: value, error: value }),
  );
  fc.assert(
    fc.property(answer, (given) => {
      const reader = format.createReader(facts);
      reader.readWhole(given);
      reader.ending(false);
      reader.failure();
    }),
    { numRuns: 200 },
  );
});

test("hiding takes nothing from a stream in which no usage stands, whatever else does", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 10 }), (bytes, cuts) => {
      fc.pre(!bytes.includes('"usage"'));
      expect(Buffer.from(readStream(route, hiding, splitAt(bytes, cuts)).passed)).toEqual(
        Buffer.from(bytes.toString()),
      );
    }),
    { numRuns: 500 },
  );
});

const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
const last = `data: ${JSON.stringify({ model: "gpt-5", choices: [], usage })}\n\n`;

test.each([
  ["of megabytes that is held back", "a megabyte", hiding, 3_000_000],
  ["beyond all measure", "32 megabytes", facts, 35_000_000],
])(
  "a line %s is passed over and told, in pieces too, and usage behind it still counts",
  (_name, most, asked, length) => {
    const line = `data: {"x":"${"y".repeat(length)}"}\n\n`;
    const bytes = Buffer.from(line + last);
    const pieces = Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, index) =>
      bytes.subarray(index * 65_536, (index + 1) * 65_536),
    );
    const { reader, passed } = readStream(route, asked, pieces);
    expect(passed === (asked === hiding ? line : line + last)).toBe(true);
    expect(reader.unreadable()).toBe(`a line of more than ${most}`);
    expect(reader.ending(false)).toMatchObject({ inputTokens: 3, outputTokens: 4, usageSource: "provider" });
  },
);

test("an endless line is not gathered", () => {
  const reader = route.format.createReader(hiding);
  const piece = Buffer.alloc(65_536, "x");
  let passed = 0;
  for (let count = 0; count < 200; count += 1) passed += reader.readPiece(piece)?.length ?? 0;
  // What is held back is less than a line may hold.
  expect(200 * piece.length - passed).toBeLessThanOrEqual(0);
});

test("an event of endless names is not held back, nor read again with each piece", () => {
  const reader = route.format.createReader(hiding);
  const piece = Buffer.from("id:1\n");
  let passed = 0;
  for (let count = 0; count < 5000; count += 1) passed += reader.readPiece(piece)?.length ?? 0;
  expect(5000 * piece.length - passed).toBeLessThanOrEqual(1024);
  reader.readPiece(Buffer.from(`\n${last}`));
  expect(reader.ending(false)).toMatchObject({ inputTokens: 3, usageSource: "provider" });
});

test("an event in endless lines is not gathered", () => {
  const { reader } = readStream(route, facts, `${"data: [\n".repeat(600_000)}\n${last}`);
  expect(reader.unreadable()).toBe("an event of more than a megabyte");
  expect(reader.ending(false).usageSource).toBe("provider");
});

test("an answer nested a hundred thousand deep is read without a stack to overflow", () => {
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const { reader } = readStream(route, facts, `data: {"model":"m","choices":${deep}}\n\n${last}`);
  expect(reader.ending(false)).toMatchObject({ inputTokens: 3, usageSource: "provider" });
  expect(textIn(JSON.parse(`${"[".repeat(50_000)}"four"${"]".repeat(50_000)}`))).toEqual({
    characters: 4,
    wideCharacters: 0,
  });
});

test("what keeps a line alive is nothing unreadable, and what is no JSON is", () => {
  const alive = `: waiting\n\ndata:\n\ndata: \n\nevent: ping\n\n${last}`;
  expect(readStream(route, facts, alive).reader.unreadable()).toBeUndefined();
  expect(readStream(route, facts, `data: {"model":\n\n${last}`).reader.unreadable()).toBe("an event that is not JSON");
});

test("counts of a wrong kind are handed on as they are, for core to refuse and count", () => {
  const told = (prompt: unknown): number | undefined => {
    const reader = route.format.createReader(facts);
    reader.readWhole({ model: "m", choices: [], usage: { prompt_tokens: prompt, completion_tokens: 1 } });
    return reader.ending(false).inputTokens;
  };
  expect(told(-5)).toBe(-5);
  expect(told(0.5)).toBe(0.5);
  expect(told(1e300)).toBe(1e300);
  expect(told("12")).toBeUndefined();
});

test("an answer's __proto__ changes no object and tells no usage", () => {
  const { reader } = readStream(
    route,
    facts,
    'data: {"__proto__":{"usage":{"prompt_tokens":9,"completion_tokens":9}},"choices":[]}\n\n',
  );
  expect(reader.ending(false).inputTokens).not.toBe(9);
  expect(({} as { usage?: unknown }).usage).toBeUndefined();
});

test("a request that cannot be understood is metered by what its address tells, where the host is known", () => {
  const anything = fc.oneof(fc.jsonValue(), fc.constant(undefined), fc.string());
  fc.assert(
    fc.property(anything, (body) => {
      for (const [, format] of everyFormat) {
        const known: CallRoute = { ...route, format };
        expect(format.readRequest(body, known)).toMatchObject({ hidesUsage: false });
        format.readRequest(body, { ...known, isKnownHost: false });
      }
    }),
  );
});
