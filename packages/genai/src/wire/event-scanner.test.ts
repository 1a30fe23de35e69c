import fc from "fast-check";
import { expect, test } from "vitest";
import { createEventScanner } from "./event-scanner.ts";
import type { FieldMeanings } from "./field-names.ts";
import { createOutputMeasure } from "./output-measure.ts";

const meanings: FieldMeanings = {
  content: "output",
  text: "output",
  usage: "sums",
  error: "told",
  finish_reason: "end",
};

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 80 }),
  fc.constantFrom('"', "\\", '\\"usage\\":1', '{"usage":null}', "a".repeat(70), "中".repeat(30)),
);
const names = fc.constantFrom("content", "text", "usage", "error", "finish_reason", "id", "delta", "x".repeat(50));
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: "small" },
    text,
    fc.constantFrom(null, 0, 12.5, true, ""),
    fc.array(tie("tree"), { maxLength: 3 }),
    fc.array(fc.tuple(names, tie("tree")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
}));
const event = fc.array(fc.tuple(names, tree), { maxLength: 5 }).map((entries) => Object.fromEntries(entries));

test("what is found in an event's bytes is what parsing it would tell", () => {
  fc.assert(
    fc.property(event, fc.boolean(), (value, isSpaced) => {
      const json = isSpaced ? JSON.stringify(value, null, 1).replaceAll("\n", " ") : JSON.stringify(value);
      const { found, characters, end } = scanned(json);
      const isTold = (field: unknown): boolean => field !== undefined && field !== null;
      const nested = Object.values(value).filter((field) => typeof field === "object" && field !== null);
      const deeper = nested.flatMap((field) => [field, ...Object.values(field as object)]);
      expect(end).toBe(Buffer.byteLength(json));
      expect(found.isWhole).toBe(true);
      expect(found.sumsFrom >= 0).toBe(isTold(value["usage"]));
      expect(found.nullFrom >= 0).toBe("usage" in value && value["usage"] === null);
      if (isTold(value["error"]) || isTold(value["finish_reason"])) expect(found.tells).toBe(true);
      if (![value, ...deeper].some((part) => mentions(part))) expect(found.tells).toBe(false);
      expect(characters).toBe(outputOf(value));
    }),
    { numRuns: 500 },
  );
});

test("events of one shape are read the same when it is known as when it is not", () => {
  const shapes = fc.constantFrom(
    (output: string, more: string) =>
      `{"id":"chatcmpl-1","choices":[{"delta":{"content":${output}},"finish_reason":null}],"usage":null,"x":${more}}`,
    (output: string, more: string) =>
      `{"id":"chatcmpl-1","choices":[{"delta":{"content":${output}},"finish_reason":${more}}],"usage":null}`,
    (output: string, more: string) =>
      `{"id":"chatcmpl-1","choices":[{"delta":{"content":${output}}}],"usage":{"x":${more}}}`,
    (output: string, more: string) => `{"id":"chatcmpl-1","choices":[{"delta":{"content":${output}}}],"error":${more}}`,
    (output: string, more: string) => `{"usage":${more},"choices":[{"delta":{"content":${output}}}]}`,
    (_output: string, more: string) => `{"choices":[],"usage":{"prompt_tokens":${more.length}}}`,
    (output: string) => `{"id":"chatcmpl-1","choices":[{"delta":{"content":${output}`,
  );
  const line = fc
    .tuple(shapes, text, fc.oneof(text, fc.constant(null)))
    .map(([shape, output, more]) => shape(JSON.stringify(output), JSON.stringify(more)));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
      const output = createOutputMeasure();
      const learning = createEventScanner(meanings, output);
      const bytes = Buffer.from(`${lines.join("\n")}\n`);
      let from = 0;
      for (const each of lines) {
        const before = output.characters();
        const end = learning.scan(bytes, from, bytes.length);
        const alone = scanned(each);
        expect(end - from).toBe(alone.end);
        const { tells, isWhole, sumsFrom, sumsTo, nullFrom, nullTo } = alone.found;
        const place = (index: number): number => (index < 0 ? -1 : index + from);
        expect(learning).toMatchObject({ tells, isWhole, sumsFrom: place(sumsFrom), sumsTo: place(sumsTo) });
        expect(learning).toMatchObject({ nullFrom: place(nullFrom), ...(nullFrom >= 0 && { nullTo: place(nullTo) }) });
        expect(output.characters() - before).toBe(alone.characters);
        from = end + 1;
      }
    }),
    { numRuns: 500 },
  );
});

test("any bytes are scanned without harm, and never beyond the line", () => {
  const bytes = fc.array(
    fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(10, 34, 92, 123, 125, 91, 93, 58, 117)),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(bytes, fc.array(fc.nat({ max: 300 }), { maxLength: 5 }), (given, starts) => {
      const scanner = createEventScanner(meanings, createOutputMeasure());
      const line = Uint8Array.from(given);
      for (const start of starts.map((place) => Math.min(place, line.length))) {
        const lineBreak = line.indexOf(10, start);
        expect(scanner.scan(line, start, line.length)).toBe(lineBreak < 0 ? line.length : lineBreak);
      }
    }),
    { numRuns: 1000 },
  );
});

function scanned(json: string): { found: ReturnType<typeof createEventScanner>; characters: number; end: number } {
  const output = createOutputMeasure();
  const scanner = createEventScanner(meanings, output);
  const bytes = Buffer.from(json);
  const end = scanner.scan(bytes, 0, bytes.length);
  return { found: scanner, characters: output.characters(), end };
}

/** Characters as code points: what UTF-8 tells apart. An escaped pair counts as the two that are written. */
function outputOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let total = 0;
  for (const [name, field] of Object.entries(value)) {
    if ((name === "content" || name === "text") && !Array.isArray(value) && typeof field === "string") {
      const written = JSON.stringify(field)
        .slice(1, -1)
        .replaceAll(/\\(?:u[\da-f]{4}|.)/g, "x");
      total += Array.from(written).length;
    }
    total += outputOf(field);
  }
  return total;
}

function mentions(part: unknown): boolean {
  return typeof part === "object" && part !== null && ["usage", "error", "finish_reason"].some((name) => name in part);
}
