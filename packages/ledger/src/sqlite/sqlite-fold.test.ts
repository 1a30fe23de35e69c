import fc from "fast-check";
import { expect, test } from "vitest";
import type { LedgerRow } from "../ledger-row.ts";
import { type Rollup, rollups, sums } from "../rollups.ts";
import { contributionOf } from "../row-contribution.ts";
import { batchWidth, decodeBatch, encodeBatch } from "./sqlite-batch.ts";
import { foldRows } from "./sqlite-fold.ts";
import { usageRow } from "../../test/support/sqlite-rows.ts";

const text = fc.constantFrom(null, "a", "b", "ä");
const count = fc.option(fc.oneof(fc.nat(10), fc.constantFrom(2 ** 53 - 1, 9e15)));
const row: fc.Arbitrary<LedgerRow> = fc
  .record({
    tenant: fc.constantFrom("acme", "globex"),
    occurredAt: fc.constantFrom(0, 899_999, 900_000, 1_763_683_199_999, 1_763_683_200_000),
    kind: fc.constantFrom("llm_call", "task"),
    employee: text,
    project: text,
    provider: text,
    model: text,
    inputTokens: count,
    outputTokens: count,
    cacheReadTokens: count,
    cacheWriteTokens: count,
    reasoningTokens: count,
    costNanoUsd: fc.option(fc.bigInt({ min: -9_000_000_000_000_000n, max: 9_000_000_000_000_000n })),
    costStatus: fc.constantFrom("priced", "estimated", "unpriced"),
    usageSource: fc.constantFrom("provider", "partial", "estimated", "none"),
    unpriced: fc.constantFrom(-1, 0, 1),
    inferenceMicros: count,
    queueMicros: count,
    isSuccess: fc.boolean(),
    corrects: fc.option(fc.constant("another")),
  })
  .map((fields) => usageRow(fields as Partial<LedgerRow>));

test("a batch adds to each rollup exactly what its rows add one by one", () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), fc.array(fc.boolean()), (rows, skipped) => {
      const batch = decodeBatch(encodeBatch(rows));
      const kept = rows.flatMap((each, index) => (skipped[index] === true ? [] : [{ each, index }]));
      const folded = foldRows(
        batch,
        kept.map(({ index }) => index * batchWidth),
      );
      for (const rollup of rollups) {
        const one = new Map<string, bigint[]>();
        for (const { each } of kept) {
          const contribution = contributionOf(each);
          addTo(
            one,
            keyOf(rollup, each),
            sums.map((sum) => contribution[sum]),
          );
        }
        const all = new Map<string, bigint[]>();
        for (const group of folded.get(rollup) ?? []) {
          const key = JSON.stringify([rollup.seconds === null ? 0 : group.bucketAt, ...group.values]);
          for (const sum of group.sums) expect(Number.isSafeInteger(sum)).toBe(true);
          addTo(all, key, group.sums.map(BigInt));
        }
        expect(all).toEqual(one);
      }
    }),
    { numRuns: 300 },
  );
});

test("a bucket is written once, however many rows fall into it", () => {
  const batch = decodeBatch(
    encodeBatch(Array.from({ length: 100 }, () => usageRow({ occurredAt: 1_763_683_200_000 }))),
  );
  const offsets = Array.from({ length: 100 }, (_, index) => index * batchWidth);
  for (const groups of foldRows(batch, offsets).values()) expect(groups).toHaveLength(1);
});

function keyOf({ seconds, dimensions }: Rollup, each: LedgerRow): string {
  const bucket = seconds === null ? 0 : each.occurredAt - (each.occurredAt % (seconds * 1000));
  const values = (["tenant", "employee", "project", "kind", "provider", "model"] as const).map((dimension) =>
    dimensions.includes(dimension) ? (each[dimension] ?? "") : "",
  );
  return JSON.stringify([bucket, ...values]);
}

function addTo(groups: Map<string, bigint[]>, key: string, added: readonly bigint[]): void {
  const before = groups.get(key) ?? added.map(() => 0n);
  groups.set(
    key,
    before.map((sum, index) => sum + (added[index] ?? 0n)),
  );
}
