import { statSync, unlinkSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { expectExactRollups, readDatabase } from "./support/sqlite-audit.ts";
import { databaseFile, openStore } from "./support/sqlite-directory.ts";
import { usageRow, usageRows } from "./support/sqlite-rows.ts";

describe("an append", () => {
  test("writes each row once, whether its double comes in the same batch, a later one, or both", async () => {
    const file = databaseFile();
    const store = openStore({ file });
    const [first, second, third] = usageRows(3);
    expect(await store.append([first!, second!, first!])).toEqual({ written: 2, duplicates: 1, expired: 0 });
    expect(await store.append([second!, third!, third!])).toEqual({ written: 1, duplicates: 2, expired: 0 });
    expect(await store.append([])).toEqual({ written: 0, duplicates: 0, expired: 0 });
    expect(expectExactRollups(file)).toBe(3);
  });

  test("takes the same event id in two tenants for two events", async () => {
    const file = databaseFile();
    const store = openStore({ file });
    const row = usageRow({ tenant: "acme" });
    const result = await store.append([row, { ...row, tenant: "globex" }]);
    expect(result).toEqual({ written: 2, duplicates: 0, expired: 0 });
    expect(expectExactRollups(file)).toBe(2);
  });

  test("adds up money beyond what a floating-point number can tell, in one batch and over several", async () => {
    const file = databaseFile();
    const store = openStore({ file });
    const most = 9_000_000_000_000_000n;
    await store.append([most, most, 7n].map((costNanoUsd) => usageRow({ costNanoUsd })));
    await store.append([most - 1n, 1n, 3n].map((costNanoUsd) => usageRow({ costNanoUsd })));
    await store.append([
      usageRow({ costNanoUsd: 1n, corrects: "another" }),
      usageRow({ costNanoUsd: -4n, corrects: "x" }),
    ]);
    const [totals] = readDatabase(file, "select cost_nano_usd, records, events from usage_totals");
    expect(totals).toEqual({ cost_nano_usd: 3n * most + 7n, records: 8n, events: 6n });
    expect(expectExactRollups(file)).toBe(8);
  });

  test("keeps every text as it is, however hostile", async () => {
    const file = databaseFile();
    const store = openStore({ file });
    const texts = ["'; drop table usage_events; --", '"{}[]\\', "ünïcödé 🧾", "\u2028\n\t", "x".repeat(255)];
    await store.append(texts.map((text) => usageRow({ tenant: text, employee: text, project: text, model: text })));
    const found = readDatabase(file, "select tenant from usage_days where tenant = employee and tenant = model");
    expect(new Set(found.map(({ tenant }) => tenant))).toEqual(new Set(texts));
    expect(expectExactRollups(file)).toBe(texts.length);
  });

  test("is all or nothing: a row that does not fit takes its batch with it, and the next batch is written", async () => {
    const file = databaseFile();
    const store = openStore({ file });
    const wrong = usageRow({ inputTokens: "many" as unknown as number });
    const refusal = expect.objectContaining({
      message: expect.stringMatching(/ledger\.db: the tables did not take it/),
    });
    await expect(store.append([usageRow(), wrong, usageRow()])).rejects.toEqual(refusal);
    expect(expectExactRollups(file)).toBe(0);
    await store.append([usageRow()]);
    expect(expectExactRollups(file)).toBe(1);
  });

  test("keeps usage from others' eyes: the database and its log are the owner's alone, whatever the umask", async () => {
    const file = path.join(databaseFile(), "../made/for/it/ledger.db");
    const previous = process.umask(0);
    try {
      const store = openStore({ file });
      await store.append([usageRow()]);
      const modes = ["", "-wal", "-shm"].map((ending) => (statSync(file + ending).mode & 0o777).toString(8));
      expect(modes).toEqual(["600", "600", "600"]);
      expect((statSync(path.dirname(file)).mode & 0o777).toString(8)).toBe("700");
    } finally {
      process.umask(previous);
    }
  });

  test("goes into a new file after the old one was deleted, instead of into one that nobody sees", async () => {
    const file = databaseFile();
    const store = openStore({ file });
    await store.append(usageRows(3));
    for (const ending of ["", "-wal", "-shm"]) unlinkSync(file + ending);
    expect(await store.append(usageRows(2))).toMatchObject({ written: 2 });
    expect(expectExactRollups(file)).toBe(2);
  });
});

test("a recount over many days lets appends in between, so that an audit does not hold up the writing", async () => {
  const store = openStore({ file: databaseFile() });
  const day = 86_400_000;
  const from = Date.UTC(2026, 0, 1);
  await store.append(Array.from({ length: 60 }, (_, index) => usageRow({ occurredAt: from + index * day })));
  // The first question loads the reader, during which anything gets its turn.
  await store.tenants();
  const order: string[] = [];
  const recounting = store.recount({ from, to: from + 60 * day }).then((differences) => {
    expect(differences).toEqual([]);
    order.push("recounted");
  });
  const appending = store.append([usageRow({ occurredAt: from })]).then(() => order.push("appended"));
  await Promise.all([recounting, appending]);
  expect(order).toEqual(["appended", "recounted"]);
});

describe("the view daily_usage_metrics", () => {
  test("has one row for each day, tenant and employee", async () => {
    const file = databaseFile();
    const store = openStore({ file });
    const day = Date.UTC(2026, 10, 20);
    const task = { occurredAt: day, kind: "task", inputTokens: null, outputTokens: null, costNanoUsd: null } as const;
    await store.append([
      usageRow({ ...task, inferenceMicros: 3_000_000 }),
      usageRow({ ...task, inferenceMicros: 1_000_000, isSuccess: false, project: "another" }),
      usageRow({ ...task, inferenceMicros: null }),
      usageRow({ occurredAt: day + 86_399_999, kind: "llm_call", inferenceMicros: 500 }),
      usageRow({ occurredAt: day, kind: "tool_call", inputTokens: null, outputTokens: null }),
      usageRow({ occurredAt: day, employee: null }),
      usageRow({ occurredAt: day + 86_400_000 }),
    ]);
    const found = readDatabase(file, "select * from daily_usage_metrics order by day, employee");
    expect(found.map(({ day: of, employee }) => [of, employee])).toEqual([
      ["2026-11-20", ""],
      ["2026-11-20", "e-1"],
      ["2026-11-21", "e-1"],
    ]);
    expect(found[1]).toEqual({
      day: "2026-11-20",
      tenant: "acme",
      employee: "e-1",
      tasks: 3n,
      total_duration_ms: 4000n,
      average_duration_ms: 2000,
      tokens: 1200n,
      tool_calls: 1n,
      errors: 1n,
      success_ratio: 2 / 3,
      updated_at: expect.any(BigInt),
    });
    expect(found[0]).toMatchObject({ tasks: 0n, average_duration_ms: null, success_ratio: null });
  });
});

describe("retention", () => {
  const january = Date.UTC(2026, 0, 31, 23, 59, 59, 999);
  const february = Date.UTC(2026, 1, 1);

  test("forgets rows of past months, keeps rollups, and takes no replay of what it forgot", async () => {
    const file = databaseFile();
    const store = openStore({ file });
    const old = usageRows(25_000, { occurredAt: january });
    const timeless = usageRow({ occurredAt: january, capturedAt: 0 });
    await store.append([...old, timeless, usageRow({ occurredAt: february })]);
    expect(await store.retainedFrom()).toBeUndefined();
    await store.retain(new Date(Date.UTC(2026, 1, 17)));
    expect(await store.retainedFrom()).toEqual(new Date(february));
    expect(readDatabase(file, "select count(*) as rows from usage_events")).toEqual([{ rows: 2n }]);
    expect(readDatabase(file, "select sum(records) as rows from usage_days")).toEqual([{ rows: 25_002n }]);
    const replay = await store.append([...old.slice(0, 3), timeless, usageRow({ occurredAt: february })]);
    expect(replay).toEqual({ written: 1, duplicates: 1, expired: 3 });
  });

  test("never takes back what it said: an earlier month later changes nothing, also in another process's store", async () => {
    const file = databaseFile();
    const store = openStore({ file });
    const other = openStore({ file });
    await other.open();
    await store.retain(new Date(february));
    await store.retain(new Date(january));
    expect(await other.retainedFrom()).toEqual(new Date(february));
    expect(await other.append([usageRow({ occurredAt: january })])).toEqual({ written: 0, duplicates: 0, expired: 1 });
  });

  test("lets appends in between its chunks", async () => {
    const file = databaseFile();
    const store = openStore({ file });
    await store.append(usageRows(60_000, { occurredAt: january }));
    const order: string[] = [];
    const retaining = store.retain(new Date(february)).then(() => order.push("retained"));
    const appending = store.append([usageRow({ occurredAt: february })]).then(() => order.push("appended"));
    await Promise.all([retaining, appending]);
    expect(order).toEqual(["appended", "retained"]);
    expect(readDatabase(file, "select count(*) as rows from usage_events")).toEqual([{ rows: 1n }]);
  });
});
