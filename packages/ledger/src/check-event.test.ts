import type { UsageEvent } from "@meterbridge/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkBySchema, checkEvent } from "./check-event.ts";

const event: UsageEvent = {
  eventId: "019a9f00-0000-7000-8000-000000000001",
  occurredAt: new Date("2026-11-20T10:00:00Z"),
  kind: "llm_call",
  tenant: "acme",
  employee: null,
  project: null,
  process: null,
  execution: null,
  user: "ada",
  provider: "openai",
  model: "gpt-5",
  responseModel: "gpt-5-2025-08-07",
  serviceTier: "default",
  name: null,
  inputTokens: 10,
  outputTokens: 2,
  cacheReadTokens: null,
  cacheWriteTokens: null,
  reasoningTokens: 0,
  costNanoUsd: 1250n,
  costStatus: "priced",
  priceBook: "list@1",
  inferenceMs: 12.3456,
  queueMs: null,
  isSuccess: true,
  errorType: null,
  usageSource: "provider",
  attempts: 1,
};

function checked(changes: object) {
  return checkEvent({ ...event, ...changes }, "default");
}

test("an event of core's becomes a row with every field, durations in whole microseconds", () => {
  const { inferenceMs: _inferenceMs, queueMs: _queueMs, ...kept } = event;
  expect(checked({})).toEqual({
    mended: [],
    row: {
      ...kept,
      capturedAt: Number.parseInt("019a9f000000", 16),
      occurredAt: event.occurredAt.getTime(),
      unpriced: 0,
      inferenceMicros: 12_346,
      queueMicros: null,
      corrects: null,
    },
  });
});

test.each([
  ["no tenant", null],
  ["an empty tenant", ""],
])("usage of %s is the default tenant's, and is not lost", (_what, tenant) => {
  expect(checked({ tenant })).toMatchObject({ row: { tenant: "default" }, mended: [] });
});

describe("of a field that cannot be right only that field is lost, and told", () => {
  test.each<[string, unknown, unknown]>([
    ["inputTokens", -1, null],
    ["inputTokens", 1.5, null],
    ["inputTokens", Number.NaN, null],
    ["outputTokens", 1e300, null],
    ["outputTokens", "12", null],
    ["cacheReadTokens", 1e12 + 1, null],
    ["inferenceMs", Number.POSITIVE_INFINITY, null],
    ["queueMs", -0.5, null],
    ["attempts", 0, 1],
    ["kind", "llm", "llm_call"],
    ["usageSource", "guess", "none"],
    ["isSuccess", "yes", true],
    ["model", Symbol("gpt-5"), null],
    ["provider", { toString: () => "openai" }, null],
  ])("%s: %o", (field, found, kept) => {
    const column = field.replace("Ms", "Micros");
    const { row, mended } = checked({ [field]: found });
    expect(mended).toEqual([field]);
    expect(row).toMatchObject({ eventId: event.eventId, tenant: "acme", [column]: kept });
  });

  test.each([10n ** 18n, -(10n ** 18n), 12, "12"])(
    "a cost of %s leaves the call unpriced, never free",
    (costNanoUsd) => {
      const { row, mended } = checked({ costNanoUsd });
      expect(mended).toEqual(["costNanoUsd"]);
      expect(row).toMatchObject({ costNanoUsd: null, costStatus: "unpriced", unpriced: 1 });
    },
  );

  test.each([new Date(Number.NaN), new Date(0), new Date("2150-01-01"), "yesterday"])(
    "a time of %s gives way to the time in the event's id, so that a replay finds the same",
    (occurredAt) => {
      const { row, mended } = checked({ occurredAt });
      expect(mended).toEqual(["occurredAt"]);
      expect(row.occurredAt).toBe(row.capturedAt);
    },
  );

  test("an event without an id gets one of its own time", () => {
    const { row, mended } = checked({ eventId: "" });
    expect(mended).toEqual(["eventId"]);
    expect(row.eventId).toMatch(/^[0-9a-f-]{36}$/);
    expect(row.capturedAt).toBe(event.occurredAt.getTime());
  });

  test.each([null, undefined, 7, "event"])(
    "%s instead of an event is a row of nothing, since it was one",
    (nothing) => {
      expect(checkEvent(nothing as unknown as UsageEvent, "default").row).toMatchObject({ tenant: "default" });
    },
  );
});

describe("ids", () => {
  test("of a UUIDv7 are one in whatever case, with the time inside as the partition's key", () => {
    expect(checked({ eventId: event.eventId.toUpperCase() }).row.eventId).toBe(event.eventId);
  });

  test.each(["order-17", "550e8400-e29b-41d4-a716-446655440000", 'it\'s {"quoted"}'])(
    "of the application's own, %s, stay as they are and carry no time",
    (eventId) => expect(checked({ eventId }).row).toMatchObject({ eventId, capturedAt: 0 }),
  );

  test("that a database does not take stay two where they were two", () => {
    const kept = ["a\0b", "ab", "a\uFFFDb", "\uD800", "\uD801", "x".repeat(300), `${"x".repeat(299)}y`].map(
      (eventId) => checked({ eventId }).row.eventId,
    );
    expect(new Set(kept).size).toBe(kept.length);
    for (const id of kept) expect(id.length).toBeLessThanOrEqual(255);
  });

  test("with a time that no clock shows carry none", () => {
    expect(checked({ eventId: "ffffffff-ffff-7000-8000-000000000001" }).row.capturedAt).toBe(0);
  });
});

test("two tenants whose names differ beyond the longest text stay two tenants", () => {
  const [first, second] = ["a", "b"].map((end) => checked({ tenant: "x".repeat(1_000_000) + end }).row.tenant);
  expect(first).not.toBe(second);
  expect([first!.length, second!.length]).toEqual([255, 255]);
});

test("texts that would break a database or a log are made harmless", () => {
  const { row } = checked({ project: "a\0b", process: "\uD800x" });
  expect([row.project, row.process]).toEqual(["a\uFFFDb", "\uFFFDx"]);
});

test("the short way for plain events gives what the schema gives, for whatever event", () => {
  const text = fc.option(fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constantFrom("a\0", "\uD800", "")), {
    nil: null,
  });
  const number = fc.option(fc.oneof(fc.nat(), fc.double(), fc.constantFrom(-0, 1e12, 1e12 + 1)), { nil: null });
  const events = fc.record({
    eventId: fc.oneof(fc.uuid(), fc.uuid({ version: 7 }), fc.string(), fc.constant(event.eventId)),
    occurredAt: fc.date({ noInvalidDate: false }),
    kind: fc.constantFrom("llm_call", "task", "tool_call", "nap"),
    ...Object.fromEntries(
      [
        "tenant",
        "employee",
        "project",
        "process",
        "execution",
        "user",
        "provider",
        "model",
        "responseModel",
        "serviceTier",
        "name",
      ].map((name) => [name, text]),
    ),
    ...Object.fromEntries(
      ["inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens", "reasoningTokens"].map((name) => [
        name,
        number,
      ]),
    ),
    costNanoUsd: fc.option(fc.bigInt({ min: -(10n ** 16n), max: 10n ** 16n }), { nil: null }),
    costStatus: fc.constantFrom("priced", "provider", "estimated", "unpriced", "none", "free"),
    priceBook: text,
    inferenceMs: number,
    queueMs: number,
    isSuccess: fc.boolean(),
    errorType: text,
    usageSource: fc.constantFrom("provider", "partial", "estimated", "none"),
    attempts: fc.oneof(fc.constant(1), fc.integer()),
  });
  fc.assert(
    fc.property(events, (given) => {
      const long = checkBySchema(given as unknown as UsageEvent, "default");
      const short = checkEvent(given as unknown as UsageEvent, "default");
      // Ids and times that are made up differ from call to call.
      const madeUp = long.mended.filter((field) => field === "eventId" || field === "occurredAt").length > 0;
      expect(short.mended).toEqual(long.mended);
      if (!madeUp) expect(short.row).toEqual(long.row);
    }),
    { numRuns: 500 },
  );
});

test("an object whose fields are inherited loses the wrong one alone, and its tenant pays for the rest", () => {
  class Usage {
    readonly inputTokens = -1;
    get tenant(): string {
      return "acme";
    }
    get outputTokens(): number {
      return 7;
    }
  }
  const { row, mended } = checkEvent(new Usage() as unknown as UsageEvent, "default");
  expect(mended).toEqual(["inputTokens"]);
  expect(row).toMatchObject({ tenant: "acme", inputTokens: null, outputTokens: 7 });
});
