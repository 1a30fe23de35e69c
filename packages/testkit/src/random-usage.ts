import type { Dimension, LedgerRow, SumsQuery, UsageFilter } from "@meterbridge/ledger";
import fc from "fast-check";
import { ledgerRow } from "./builders.ts";

const quarter = 900_000;
/** Around the end of a month, and of summer time in Europe. */
const first = Date.UTC(2026, 9, 23);
const quarters = 11 * 96;

const words = {
  tenant: ["acme", "globex", "🧮"],
  employee: ["ada", "böb", null],
  project: ["search", "{chat}", null],
  kind: ["llm_call", "task", "tool_call"],
  provider: ["openai", "anthropic", null],
  model: ["gpt-5", "o'clock", null],
} as const;
const names: readonly Dimension[] = ["tenant", "employee", "project", "kind", "provider", "model"];

const count = fc.option(fc.oneof(fc.nat({ max: 5000 }), fc.constant(1_000_000_000_000)), { nil: null });

/** A row somewhere in eleven days, often right on a boundary or just before one. */
export const anyRow: fc.Arbitrary<LedgerRow> = fc
  .record({
    occurredAt: fc
      .tuple(fc.nat({ max: quarters - 1 }), fc.oneof(fc.constantFrom(0, 1, quarter - 1), fc.nat({ max: quarter - 1 })))
      .map(([index, offset]) => first + index * quarter + offset),
    tenant: fc.constantFrom(...words.tenant),
    employee: fc.constantFrom(...words.employee),
    project: fc.constantFrom(...words.project),
    kind: fc.constantFrom(...words.kind),
    provider: fc.constantFrom(...words.provider),
    model: fc.constantFrom(...words.model),
    inputTokens: count,
    outputTokens: count,
    cacheReadTokens: count,
    cacheWriteTokens: count,
    reasoningTokens: count,
    costNanoUsd: fc.option(fc.bigInt({ min: -9_000_000_000_000_000n, max: 9_000_000_000_000_000n }), { nil: null }),
    costStatus: fc.constantFrom("priced", "provider", "estimated", "unpriced", "none"),
    unpriced: fc.constantFrom(-1, 0, 1),
    inferenceMicros: count,
    queueMicros: count,
    isSuccess: fc.boolean(),
    usageSource: fc.constantFrom("provider", "partial", "estimated", "none"),
    corrects: fc.constantFrom(null, null, "another"),
  })
  .map((fields) => ledgerRow(fields));

const filter: fc.Arbitrary<UsageFilter> = fc.record(
  {
    tenant: fc.constantFrom(...words.tenant, "nobody"),
    employee: fc.constantFrom(...words.employee),
    project: fc.constantFrom(...words.project),
    kind: fc.constantFrom(...words.kind),
    provider: fc.constantFrom(...words.provider),
    model: fc.constantFrom(...words.model),
  },
  { requiredKeys: [] },
);

/** Any question about those days: periods of quarters, hours, days or all of it, and some before and after. */
export const anyQuery: fc.Arbitrary<SumsQuery> = fc.record({
  boundaries: fc
    .tuple(
      fc.uniqueArray(fc.integer({ min: -200, max: quarters + 200 }), { minLength: 2, maxLength: 12 }),
      fc.constantFrom(1, 1, 4, 96),
    )
    .map(([indexes, step]) => new Set(indexes.map((index) => first + Math.floor(index / step) * step * quarter)))
    .map((moments) => [...moments].toSorted((a, b) => a - b))
    .filter((boundaries) => boundaries.length > 1),
  filter,
  groupBy: fc.subarray([...names]),
});
