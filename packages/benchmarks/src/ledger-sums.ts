import type { LedgerStore } from "@meterbridge/ledger";
import type { ExpectedSums } from "./ledger-events.ts";

/** Each sum of the days around now that is not what was expected; none when the store is exact. */
export async function differencesFrom(store: LedgerStore, expected: ExpectedSums): Promise<string[]> {
  const today = Math.floor(Date.now() / day) * day;
  const [row] = await store.sums({ boundaries: [today - day, today + 2 * day] });
  return (["events", "errors", "inputTokens", "costNanoUsd"] as const)
    .filter((name) => row?.sums[name] !== expected[name])
    .map((name) => `${name}: expected ${expected[name]}, found ${row?.sums[name]}`);
}

const day = 86_400_000;
