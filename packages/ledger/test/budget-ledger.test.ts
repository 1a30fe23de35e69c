import { createBudgets, type LedgerRow, sqliteStore } from "@meterbridge/ledger";
import { ledgerRow } from "@meterbridge/testkit";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { noon, stateOf } from "./support/budget-parts.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

test("a process that starts anew knows from SQLite what was spent, in money and tokens, for each scope and window", async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-budgets-"));
  closing.push(() => rmSync(directory, { recursive: true, force: true }));
  const store = sqliteStore({ file: path.join(directory, "usage.db") });
  closing.push(() => store.close());
  const spent = (fields: Partial<LedgerRow>) =>
    ledgerRow({ occurredAt: noon - 60_000, inputTokens: 100, outputTokens: 20, costNanoUsd: 7n, ...fields });
  await store.append([
    spent({}),
    spent({ model: "o3", employee: null }),
    spent({ tenant: "globex", costNanoUsd: null, costStatus: "unpriced" }),
    // By Berlin's clocks this was still the 20th, and in UTC the 21st too.
    spent({ occurredAt: Date.UTC(2026, 10, 20, 22, 59), costNanoUsd: 1000n }),
    spent({ occurredAt: Date.UTC(2026, 10, 20, 23), costNanoUsd: 100n }),
  ]);
  const day = { kind: "day", timeZone: "Europe/Berlin" } as const;
  const limit = { nanoUsd: 10_000n };
  const budgets = createBudgets({
    store,
    now: () => noon,
    timeoutMillis: 10_000,
    budgets: [
      { name: "tenant", scope: { tenant: "*" }, limit, window: day },
      { name: "model", scope: { tenant: "*", model: "*" }, limit: { tokens: 10_000 }, window: { kind: "month" } },
      {
        name: "employee",
        scope: { tenant: "acme", employee: "*" },
        limit,
        window: { kind: "rolling", seconds: 86_400 },
      },
      { name: "everybody", scope: {}, limit, window: { kind: "week" } },
    ],
  });
  closing.push(() => budgets.close());
  const usedNow = () => budgets.state().map(({ budget, scope, used }) => [budget, ...Object.values(scope), used]);

  for (const request of [
    { tenant: "acme", employee: "ada", model: "gpt-5" },
    { tenant: "acme", model: "o3" },
    { tenant: "globex" },
  ]) {
    await (await budgets.reserve({ ...request, estimate: {} })).release();
  }
  const seeded = [
    ["tenant", "acme", 114n],
    ["model", "acme", "gpt-5", 360n],
    ["employee", "acme", "ada", 1107n],
    ["everybody", 1114n],
    ["model", "acme", "o3", 120n],
    ["employee", "acme", null, 7n],
    ["tenant", "globex", 0n],
    ["model", "globex", null, 0n],
  ];
  expect(usedNow()).toEqual(seeded);

  await store.append([
    spent({ model: "o3", employee: null, costNanoUsd: 3n }),
    spent({ tenant: "globex", model: null }),
  ]);
  await budgets.reconcile();
  expect(usedNow()).toEqual([
    ["tenant", "acme", 117n],
    ["model", "acme", "gpt-5", 360n],
    ["employee", "acme", "ada", 1107n],
    ["everybody", 1124n],
    ["model", "acme", "o3", 240n],
    ["employee", "acme", null, 10n],
    ["tenant", "globex", 7n],
    ["model", "globex", null, 120n],
  ]);
  expect(stateOf(budgets, "tenant", "acme")).toMatchObject({
    windowStart: new Date("2026-11-20T23:00:00Z"),
    windowEnd: new Date("2026-11-21T23:00:00Z"),
  });
});
