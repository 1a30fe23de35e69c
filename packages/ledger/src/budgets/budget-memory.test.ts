import { expect, test } from "vitest";
import { chargesOf } from "./budget-charges.ts";
import { memoryCounters } from "./budget-memory.ts";
import { checkBudgets } from "./budget-options.ts";

const hour = 3_600_000;

test("a window that is over is forgotten, although somebody never settled a reservation in it", async () => {
  let now = Date.UTC(2026, 10, 21);
  const counters = memoryCounters({ leaseMillis: 120_000, isSeeded: false, now: () => now });
  const budgets = checkBudgets([
    { name: "hourly", scope: { tenant: "*" }, limit: { tokens: 100 }, window: { kind: "hour" } },
  ]);
  const charge = chargesOf(budgets, "default");
  const charges = await charge({ tenant: "acme", estimate: { tokens: 10 } }, now);
  await counters.reserve("settled", charges);
  await counters.settle("settled", charges, [7n]);
  await counters.reserve("abandoned", charges);
  expect(counters.peek?.(charges[0]!)).toMatchObject({ used: 7n, reserved: 10n });

  now += 5 * hour;
  await counters.reserve("next", await charge({ tenant: "globex", estimate: { tokens: 10 } }, now));
  // One that was forgotten begins at nothing.
  expect(counters.peek?.(charges[0]!)).toMatchObject({ used: 0n });
});
