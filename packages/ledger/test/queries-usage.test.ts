import { describe, expect, test } from "vitest";
import { usageQueries } from "../src/queries/usage-queries.ts";
import { isQueryError } from "../src/queries/query-error.ts";
import type { LedgerStore } from "../src/ledger-store.ts";
import { openMemoryStore, unpricedCall, usageRow } from "./support/queries-rows.ts";

const november = { from: "2026-11-01", to: "2026-11-30" };
const now = (): number => Date.parse("2026-11-21T10:07:30Z");

/** Two tenants, calls of three models of which one has no price, tasks, tool calls, failures, and a correction. */
async function seeded(): Promise<LedgerStore> {
  const store = openMemoryStore();
  await store.append([
    usageRow(1, "2026-11-20T23:30:00Z", { cacheReadTokens: 400, reasoningTokens: 60 }),
    usageRow(2, "2026-11-21T09:59:59.999Z", { inferenceMicros: 1_200_000 }),
    usageRow(3, "2026-11-21T10:05:00Z", {
      isSuccess: false,
      errorType: "timeout",
      costNanoUsd: 0n,
      inferenceMicros: null,
    }),
    usageRow(4, "2026-11-21T10:05:00Z", { model: "house-model", ...unpricedCall, project: null }),
    usageRow(5, "2026-11-21T10:06:00Z", { provider: null, model: null, usageSource: "estimated", employee: null }),
    usageRow(6, "2026-11-21T10:06:00Z", { kind: "task", inferenceMicros: 4_000_000 }),
    usageRow(7, "2026-11-21T10:06:30Z", {
      kind: "task",
      inferenceMicros: 2_000_000,
      isSuccess: false,
      errorType: "refused",
    }),
    usageRow(8, "2026-11-21T10:06:45Z", { kind: "tool_call", project: "billing" }),
    usageRow(9, "2026-11-05T12:00:00Z", { tenant: "globex", costNanoUsd: 9_000_000_000_000_001n }),
    usageRow(10, "2026-10-31T23:15:00Z", { tenant: "globex" }),
    usageRow(11, "2026-11-20T23:30:00Z", {
      inputTokens: null,
      outputTokens: null,
      costNanoUsd: -250_000n,
      inferenceMicros: null,
      corrects: usageRow(1, "2026-11-20T23:30:00Z").eventId,
    }),
  ]);
  return store;
}

describe("a summary", () => {
  test("adds up calls, tokens, exact money, failures and what has no price, with corrections", async () => {
    const queries = usageQueries(await seeded());
    expect(await queries.summary({ tenant: "acme", ...november })).toEqual({
      calls: 5,
      tokens: { input: 5000, output: 500, cacheRead: 400, cacheWrite: 0, reasoning: 60, total: 5500 },
      costNanoUsd: 6_500_000n,
      costUsd: "0.006500000",
      unpriced: 1,
      estimated: 1,
      averageInferenceMs: 900,
      successRate: 0.8,
      tasks: 2,
      toolCalls: 1,
    });
  });

  test("keeps the last nano-dollar of sums that no float holds", async () => {
    const { costUsd } = await usageQueries(await seeded()).summary(november);
    expect(costUsd).toBe("9000000.006500001");
  });

  test("of nothing has no rate and no average, instead of a perfect or a terrible one", async () => {
    const summary = await usageQueries(await seeded()).summary({ tenant: "nobody", ...november });
    expect([summary.calls, summary.successRate, summary.averageInferenceMs, summary.costUsd]).toEqual([
      0,
      null,
      null,
      "0.000000000",
    ]);
  });

  test("of a date is that of the local day, so that an evening in Berlin is not the day before", async () => {
    const queries = usageQueries(await seeded(), { timeZone: "Europe/Berlin" });
    const day = { from: "2026-11-21", to: "2026-11-21", tenant: "acme" };
    expect((await queries.summary(day)).calls).toBe(5);
    expect((await queries.summary({ ...day, timeZone: "UTC" })).calls).toBe(4);
  });

  test("takes moments with an offset, and Dates", async () => {
    const queries = usageQueries(await seeded());
    const texts = { from: "2026-11-21T11:00:00+01:00", to: "2026-11-21T15:45:00+05:30" };
    const dates = { from: new Date("2026-11-21T10:00:00Z"), to: new Date("2026-11-21T10:15:00Z") };
    expect((await queries.summary(texts)).calls).toBe(3);
    expect(await queries.summary(dates)).toEqual(await queries.summary(texts));
  });

  test("finds what is in no project by null, and what is in any by leaving it out", async () => {
    const queries = usageQueries(await seeded());
    expect((await queries.summary({ ...november, tenant: "acme", project: null })).calls).toBe(1);
    expect((await queries.summary({ ...november, tenant: "acme", employee: null })).calls).toBe(1);
  });
});

describe("usage by model", () => {
  test("is sorted by cost, then calls, and what is not known is null and never an empty text", async () => {
    const models = await usageQueries(await seeded()).byModel({ tenant: "acme", ...november });
    expect(
      models.map(({ provider, model, calls, costUsd, unpriced }) => [provider, model, calls, costUsd, unpriced]),
    ).toEqual([
      ["openai", "gpt-5", 3, "0.004250000", 0],
      [null, null, 1, "0.002250000", 0],
      ["openai", "house-model", 1, "0.000000000", 1],
    ]);
  });

  test("leaves out nothing that is unpriced, so that its sum is the summary's", async () => {
    const store = openMemoryStore();
    await store.append([
      usageRow(1, "2026-11-20T10:00:00Z", { ...unpricedCall, kind: "tool_call", inputTokens: null }),
    ]);
    const queries = usageQueries(store);
    expect((await queries.summary(november)).unpriced).toBe(1);
    expect(await queries.byModel(november)).toMatchObject([{ provider: null, model: null, unpriced: 1 }]);
  });
});

describe("a timeline", () => {
  test("has every hour of the local days up to the running one, also the empty ones, and adds up to the summary", async () => {
    const queries = usageQueries(await seeded(), { now });
    const hours = await queries.timeline({ step: "hour", days: 2, tenant: "acme", timeZone: "Asia/Kathmandu" });
    expect(hours).toHaveLength(24 + 16);
    expect([hours[0]?.from, hours.at(-1)?.from, hours.at(-1)?.to]).toEqual([
      "2026-11-19T18:15:00.000Z",
      "2026-11-21T09:15:00.000Z",
      "2026-11-21T10:15:00.000Z",
    ]);
    const sum = hours.reduce((so, hour) => so + hour.costNanoUsd, 0n);
    expect(sum).toBe((await queries.summary({ tenant: "acme", ...november })).costNanoUsd);
  });

  test("has days of 25 hours, and one of the same date for each", async () => {
    const queries = usageQueries(openMemoryStore(), {
      now: () => Date.parse("2026-10-26T12:00:00Z"),
      timeZone: "Europe/Berlin",
    });
    const days = await queries.timeline({ step: "day", days: 3 });
    expect(days.map(({ date, from, to }) => [date, (Date.parse(to) - Date.parse(from)) / 3_600_000])).toEqual([
      ["2026-10-24", 24],
      ["2026-10-25", 25],
      ["2026-10-26", 24],
    ]);
    expect(await queries.timeline({ step: "hour", days: 2 })).toHaveLength(25 + 14);
  });

  test("has whole weeks, from Monday on", async () => {
    const weeks = await usageQueries(await seeded(), { now }).timeline({ step: "week", days: 7, tenant: "acme" });
    expect(weeks.map(({ date, calls }) => [date, calls])).toEqual([
      ["2026-11-09", 0],
      ["2026-11-16", 5],
    ]);
  });
});

describe("an overview", () => {
  test("tells today, the month, and the projects in use", async () => {
    const overview = await usageQueries(await seeded(), { now }).overview({ tenant: "acme" });
    expect([
      overview.projects,
      overview.today.date,
      overview.today.calls,
      overview.month.from,
      overview.month.calls,
    ]).toEqual([2, "2026-11-21", 4, "2026-11-01", 5]);
    expect(overview.month.costUsd).toBe("0.006500000");
  });

  test("works on the first of a month, when the month is today", async () => {
    const first = usageQueries(await seeded(), { now: () => Date.parse("2026-11-01T00:00:00Z") });
    const overview = await first.overview({ timeZone: "Europe/Berlin" });
    expect([overview.today.calls, overview.month.calls, overview.today.date]).toEqual([1, 1, "2026-11-01"]);
  });
});

describe("usage by tenant and employee", () => {
  test("is a row for each tenant, with tasks, time, tokens, tool calls, errors and cost", async () => {
    const rows = await usageQueries(await seeded()).usage({ year: 2026, month: 11, by: "tenant" });
    expect(rows.map(({ tenant }) => tenant)).toEqual(["acme", "globex"]);
    expect(rows[0]).toEqual({
      day: null,
      tenant: "acme",
      employee: null,
      tasks: 2,
      durationMs: 6000,
      averageDurationMs: 3000,
      tokens: 5500,
      toolCalls: 1,
      errors: 2,
      successRatio: 0.5,
      costNanoUsd: 6_500_000n,
      costUsd: "0.006500000",
    });
  });

  test("by employee keeps those that nobody knows as null, last", async () => {
    const rows = await usageQueries(await seeded()).usage({ year: 2026, by: "employee", tenant: "acme" });
    expect(rows.map(({ employee, tokens }) => [employee, tokens])).toEqual([
      ["ada", 4400],
      [null, 1100],
    ]);
  });

  test("by day is one row per local day, tenant and employee", async () => {
    const rows = await usageQueries(await seeded(), { timeZone: "Europe/Berlin" }).usage({
      year: 2026,
      month: 11,
      by: "day",
    });
    expect(rows.map(({ day, tenant, employee }) => [day, tenant, employee])).toEqual([
      ["2026-11-01", "globex", "ada"],
      ["2026-11-05", "globex", "ada"],
      ["2026-11-21", "acme", "ada"],
      ["2026-11-21", "acme", null],
    ]);
  });

  test("of one employee is that one's alone", async () => {
    const rows = await usageQueries(await seeded()).usage({
      year: 2026,
      month: 11,
      tenant: "acme",
      employee: "ada",
      by: "employee",
    });
    expect(rows.map(({ employee }) => employee)).toEqual(["ada"]);
  });
});

describe("top tenants", () => {
  test.each([
    ["cost", ["globex", "acme"]],
    ["tokens", ["acme", "globex"]],
    ["calls", ["acme", "globex"]],
  ] as const)("by %s", async (by, tenants) => {
    const top = await usageQueries(await seeded()).topTenants({ ...november, by, limit: 10 });
    expect(top.map(({ tenant }) => tenant)).toEqual(tenants);
    expect(await usageQueries(await seeded()).topTenants({ ...november, by, limit: 1 })).toHaveLength(1);
  });
});

describe("errors", () => {
  test("are counted by kind, provider and model, with the ratio of what went well", async () => {
    const errors = await usageQueries(await seeded()).errors({ tenant: "acme", ...november });
    expect(errors).toEqual({
      events: 8,
      errors: 2,
      successRatio: 0.75,
      groups: [
        { kind: "llm_call", provider: "openai", model: "gpt-5", events: 3, errors: 1, successRatio: 2 / 3 },
        { kind: "task", provider: null, model: null, events: 2, errors: 1, successRatio: 0.5 },
      ],
    });
  });
});

describe("the latest rows", () => {
  test("come newest first, by pages that neither repeat nor skip one, also where several happened at once", async () => {
    const queries = usageQueries(await seeded());
    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await queries.latest({ tenant: "acme", limit: 2, ...(cursor === null ? {} : { cursor }) });
      ids.push(...page.rows.map(({ eventId }) => eventId));
      cursor = page.cursor;
    } while (cursor !== null);
    const whole = await queries.latest({ tenant: "acme", limit: 500 });
    expect(ids).toEqual(whole.rows.map(({ eventId }) => eventId));
    expect([ids.length, new Set(ids).size, whole.cursor]).toEqual([9, 9, null]);
  });

  test("tell their cost exactly, and null where it is not known", async () => {
    const { rows } = await usageQueries(await seeded()).latest({ tenant: "acme", kind: "llm_call", limit: 3 });
    expect(rows.map(({ costUsd }) => costUsd)).toEqual(["0.002250000", null, "0.000000000"]);
  });

  test("are those that failed, where only errors are asked for", async () => {
    const { rows } = await usageQueries(await seeded()).latest({ tenant: "acme", errorsOnly: true, limit: 10 });
    expect(rows.map(({ errorType }) => errorType)).toEqual(["refused", "timeout"]);
  });

  test("refuse a cursor that was cut, changed, made up, or given for another tenant or filter", async () => {
    const queries = usageQueries(await seeded());
    const { cursor } = await queries.latest({ tenant: "acme", limit: 1 });
    const [position, , sum] = JSON.parse(Buffer.from(cursor!, "base64url").toString()) as [number, string, string];
    const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const forged = [
      cursor!.slice(0, -4),
      encoded([position, "' OR 1=1 --", sum]),
      encoded([position]),
      encoded({ occurredAt: position }),
      encoded(null),
      "",
      "%00",
      "'; DROP TABLE usage_events; --",
      "A".repeat(100_000),
    ];
    for (const each of forged) {
      await expectRefusal(
        queries.latest({ tenant: "acme", limit: 1, cursor: each }),
        /^latest: cursor is none that this query gave/,
      );
    }
    await expectRefusal(queries.latest({ tenant: "globex", limit: 1, cursor: cursor! }), /cursor is none/);
    await expectRefusal(queries.latest({ tenant: "acme", kind: "task", limit: 1, cursor: cursor! }), /cursor is none/);
  });
});

async function expectRefusal(answer: Promise<unknown>, message: RegExp): Promise<void> {
  const error: unknown = await answer.then(
    () => "no error",
    (reason: unknown) => reason,
  );
  expect(isQueryError(error)).toBe(true);
  expect((error as Error).message.replace("[meterbridge] [ledger] ", "")).toMatch(message);
}

describe("every question but the latest rows", () => {
  test("is answered from rollups, so that no request ever waits for a walk through the ledger", async () => {
    const rows = (): never => {
      throw new Error("the ledger was walked");
    };
    const store: LedgerStore = { ...(await seeded()), rows, totals: rows, recount: rows };
    const queries = usageQueries(store, { now });
    await queries.summary(november);
    await queries.byModel(november);
    await queries.timeline({ step: "hour", days: 90 });
    await queries.overview();
    await queries.usage({ year: 2026, month: 11, by: "day" });
    await queries.topTenants({ ...november, by: "cost", limit: 3 });
    await queries.errors(november);
    await expect(queries.latest({ tenant: "acme", limit: 1 })).rejects.toThrow("the ledger was walked");
  });
});

describe("a question that cannot be answered", () => {
  const queries = usageQueries(openMemoryStore(), { now });
  const range = { from: "2026-11-01", to: "2026-11-02" };
  /** What a caller without types could give. */
  const wrong = (parameters: unknown): never => parameters as never;

  test.each([
    [0, "0"],
    [91, "91"],
    [-1, "-1"],
    [1e9, "1000000000"],
    [1.5, "1.5"],
    [Number.NaN, "NaN"],
    [Infinity, "Infinity"],
    ["30", '"30"'],
    [null, "null"],
    [30n, "30"],
  ])("names days when they are %s", async (days, found) => {
    await expectRefusal(
      queries.timeline(wrong({ step: "day", days })),
      new RegExp(`^timeline: days must be a whole number from 1 to 90, found ${found}$`),
    );
  });

  test.each([0, 501, -1, 2.5, Number.NaN, "10"])("names the limit of rows when it is %s", async (limit) => {
    await expectRefusal(
      queries.latest(wrong({ tenant: "acme", limit })),
      /^latest: limit must be a whole number from 1 to 500, found/,
    );
  });

  test.each([0, 1001, -1])("names the limit of tenants when it is %s", async (limit) => {
    await expectRefusal(
      queries.topTenants({ ...range, by: "cost", limit }),
      /^topTenants: limit must be a whole number from 1 to 1000/,
    );
  });

  test.each([
    [
      { from: "2026-11-02", to: "2026-11-01" },
      /^summary: from must be before to, found "2026-11-02" and "2026-11-01"$/,
    ],
    [{ from: "2026-11-02T00:00Z", to: "2026-11-02T00:00Z" }, /^summary: from must be before to/],
    [{ from: "1990-01-01", to: "2190-01-01" }, /^summary: from and to must be at most 3660 days apart \(ten years\)/],
    [{ from: "2026-02-30", to: "2026-03-01" }, /^summary: from must be an ISO 8601 date, .* found "2026-02-30": write/],
    [{ from: "0000-01-01", to: "2026-03-01" }, /^summary: from must be an ISO 8601 date/],
    [
      { from: "2026-11-01T10:00:00", to: "2026-11-02" },
      /^summary: from must be an ISO 8601 date, or a time with its offset/,
    ],
    [{ from: "2026-11-01T24:00Z", to: "2026-11-02" }, /^summary: from must be an ISO 8601 date/],
    [{ from: "yesterday", to: "2026-11-02" }, /^summary: from must be an ISO 8601 date/],
    [{ from: "1'; DROP TABLE usage_events; --", to: "2026-11-02" }, /^summary: from must be an ISO 8601 date/],
    [{ from: new Date(Number.NaN), to: "2026-11-02" }, /^summary: from must be a Date, .*found an invalid Date$/],
    [
      { from: 1_793_000_000_000, to: "2026-11-02" },
      /^summary: from must be a Date, or an ISO 8601 text .*found 1793000000000$/,
    ],
    [{ from: new Date(8.64e15), to: "2026-11-02" }, /^summary: from must be from 1970 to 2199/],
    [{ from: "2026-11-01" }, /^summary: to is missing$/],
    [
      { from: "2026-11-01T10:07:00Z", to: "2026-11-02" },
      /^summary: from must be on a quarter hour, .* found 2026-11-01T10:07:00.000Z: ask for 2026-11-01T10:00Z or 2026-11-01T10:15Z$/,
    ],
  ])("names the moment: %j", async (moments, message) => {
    await expectRefusal(queries.summary(wrong(moments)), message);
  });

  test("is refused where a filter is there but undefined: that must not become everybody's usage", async () => {
    await expectRefusal(
      queries.summary(wrong({ ...range, tenant: undefined })),
      /^summary: tenant must be a text .* found undefined: leave it out, or give it a value$/,
    );
  });

  test("is refused where a parameter is misspelt", async () => {
    await expectRefusal(
      queries.summary(wrong({ ...range, tennant: "acme" })),
      /^summary: there is no parameter "tennant"$/,
    );
    await expectRefusal(queries.summary(wrong(null)), /^summary: takes an object of parameters, found null$/);
    await expectRefusal(queries.summary(wrong(undefined)), /^summary: takes an object of parameters, found undefined$/);
    await expectRefusal(
      queries.overview(wrong(JSON.parse(`{"__proto__":{"tenant":"a"}}`))),
      /^overview: there is no parameter/,
    );
  });

  test.each<[string, unknown]>([
    ["empty", ""],
    ["with NUL", "a\0b"],
    ["half a surrogate pair", "\uD800"],
    ["too long", "x".repeat(256)],
    ["a number", 7],
  ])("names a tenant that no row can have: %s", async (_what, tenant) => {
    await expectRefusal(
      queries.summary(wrong({ ...range, tenant })),
      /^summary: tenant must be a text of 1 to 255 characters without NUL, found .{1,80}$/,
    );
  });

  test("names what can be sorted, stepped or grouped by, so that no identifier comes from outside", async () => {
    const sql = "cost; DELETE FROM usage_events";
    await expectRefusal(
      queries.topTenants(wrong({ ...range, by: sql, limit: 1 })),
      /^topTenants: by must be cost, tokens or calls, found "cost; DELETE/,
    );
    await expectRefusal(queries.timeline(wrong({ step: sql, days: 1 })), /^timeline: step must be hour, day or week/);
    await expectRefusal(queries.usage(wrong({ year: 2026, by: sql })), /^usage: by must be tenant, employee or day/);
    await expectRefusal(
      queries.latest(wrong({ tenant: "a", limit: 1, kind: sql })),
      /^latest: kind must be llm_call, task or tool_call/,
    );
  });

  test("names years and months that are none", async () => {
    await expectRefusal(
      queries.usage({ year: 1e9, by: "tenant" }),
      /^usage: year must be a whole number from 1980 to 2199/,
    );
    await expectRefusal(
      queries.usage({ year: 2026, month: 13, by: "tenant" }),
      /^usage: month must be a whole number from 1 to 12/,
    );
    await expectRefusal(queries.usage({ year: 2026, by: "day" }), /^usage: a year by day is of one tenant/);
  });

  test("names a time zone that is not known, at once where it is the default", async () => {
    await expectRefusal(
      queries.overview({ timeZone: "Mars/Base" }),
      /^time zone "Mars\/Base" is not known: give an IANA name such as Europe\/Berlin$/,
    );
    expect(() => usageQueries(openMemoryStore(), { timeZone: "Mars/Base" })).toThrow(/Mars\/Base/);
  });

  test("never writes control characters or long texts into a message", async () => {
    const error = await queries.summary(wrong({ ...range, tenant: `a\0\n\u001B[31m${"x".repeat(1e6)}` })).catch(String);
    expect(error).toMatch(/^[ -~…]{1,300}$/);
  });

  test("reaches the store as a value where it is only unusual: SQL in a name finds nothing and hurts nothing", async () => {
    const store = await seeded();
    const names = ["' OR '1'='1", '"; DROP TABLE usage_events; --', "acme' --", "%", "_cme", "\\", "{acme}", "$1", "?"];
    for (const tenant of names) {
      expect((await usageQueries(store).summary({ ...november, tenant })).calls).toBe(0);
      expect((await usageQueries(store).latest({ tenant, project: tenant, process: tenant, limit: 5 })).rows).toEqual(
        [],
      );
    }
    expect((await usageQueries(store).summary(november)).calls).toBe(6);
  });
});
