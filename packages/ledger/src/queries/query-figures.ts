import type { UsageKind } from "../ledger-row.ts";
import type { SumsRow, UsageSums } from "../ledger-store.ts";
import { usdText } from "./query-money.ts";

export interface TokenFigures {
  /** Includes those read from a cache, as the GenAI conventions count. */
  readonly input: number;
  /** Includes reasoning. */
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly reasoning: number;
  /** Input and output. */
  readonly total: number;
}

/** What model calls add up to. */
export interface CallFigures {
  readonly calls: number;
  readonly tokens: TokenFigures;
  /** Exact, as is the text. Without what could not be priced: see `unpriced`. */
  readonly costNanoUsd: bigint;
  /** US dollars with nine digits, for example `12.345678901`. */
  readonly costUsd: string;
  /** Calls whose cost is not known, and is not in the sum. */
  readonly unpriced: number;
  /** Calls whose tokens or cost are estimates. */
  readonly estimated: number;
  /** Milliseconds, over the calls whose duration is known; null when that is none. */
  readonly averageInferenceMs: number | null;
  /** From 0 to 1; null when there were no calls. */
  readonly successRate: number | null;
}

/** What a tenant's or employee's work adds up to. Tasks are what a user asked for, whatever it took. */
export interface WorkFigures {
  readonly tasks: number;
  /** Milliseconds, of all tasks whose duration is known. */
  readonly durationMs: number;
  /** Milliseconds; null when no task's duration is known. */
  readonly averageDurationMs: number | null;
  /** Input and output tokens. */
  readonly tokens: number;
  readonly toolCalls: number;
  /** Events that failed: tasks, tool calls and model calls. */
  readonly errors: number;
  /** Of tasks, from 0 to 1; null when there were none. */
  readonly successRatio: number | null;
  readonly costNanoUsd: bigint;
  readonly costUsd: string;
}

/** Sums by kind. What did not happen is not there. */
export type SumsByKind = { readonly [Kind in UsageKind]?: UsageSums };

/** Puts together the sums that have the same key, apart by kind; the key is made of the rest of the group and the period. */
export function byKind<Key>(
  rows: readonly SumsRow[],
  keyOf: (row: SumsRow) => readonly Key[],
): { readonly key: readonly Key[]; readonly first: SumsRow; readonly sums: SumsByKind }[] {
  const found = new Map<string, { key: readonly Key[]; first: SumsRow; sums: { [Kind in UsageKind]?: UsageSums } }>();
  for (const row of rows) {
    const key = keyOf(row);
    const name = JSON.stringify(key);
    let entry = found.get(name);
    if (entry === undefined) found.set(name, (entry = { key, first: row, sums: {} }));
    const kind = row.group.kind as UsageKind;
    entry.sums[kind] = added(entry.sums[kind], row.sums);
  }
  return [...found.values()];
}

/**
 * Calls are those of models. Tokens and money count whatever carries them, so that every sum is the ledger's.
 */
export function callFigures(sums: SumsByKind): CallFigures {
  const calls = sums.llm_call ?? nothing;
  const all = total(sums);
  return {
    calls: calls.events,
    tokens: {
      input: all.inputTokens,
      output: all.outputTokens,
      cacheRead: all.cacheReadTokens,
      cacheWrite: all.cacheWriteTokens,
      reasoning: all.reasoningTokens,
      total: all.inputTokens + all.outputTokens,
    },
    costNanoUsd: all.costNanoUsd,
    costUsd: usdText(all.costNanoUsd),
    unpriced: all.unpriced,
    estimated: all.estimated,
    averageInferenceMs: averageMs(calls),
    successRate: ratio(calls.successes, calls.events),
  };
}

export function workFigures(sums: SumsByKind): WorkFigures {
  const tasks = sums.task ?? nothing;
  const all = total(sums);
  return {
    tasks: tasks.events,
    durationMs: tasks.inferenceMicros / 1000,
    averageDurationMs: averageMs(tasks),
    tokens: all.inputTokens + all.outputTokens,
    toolCalls: sums.tool_call?.events ?? 0,
    errors: all.errors,
    successRatio: ratio(tasks.successes, tasks.events),
    costNanoUsd: all.costNanoUsd,
    costUsd: usdText(all.costNanoUsd),
  };
}

/** All kinds together. */
function total(sums: SumsByKind): UsageSums {
  return Object.values(sums).reduce((left, right) => added(left, right), nothing);
}

/** Null where there is nothing to divide by: no calls are not a rate of 0. */
export function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

const nothing: UsageSums = {
  records: 0,
  events: 0,
  successes: 0,
  errors: 0,
  estimated: 0,
  unpriced: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  costNanoUsd: 0n,
  timed: 0,
  inferenceMicros: 0,
  queueMicros: 0,
};

function averageMs(sums: UsageSums): number | null {
  return sums.timed === 0 ? null : sums.inferenceMicros / sums.timed / 1000;
}

function added(left: UsageSums | undefined, right: UsageSums): UsageSums {
  if (left === undefined) return right;
  const sums: Record<string, number | bigint> = {};
  for (const name of Object.keys(nothing) as (keyof UsageSums)[]) {
    const [one, other] = [left[name], right[name]];
    sums[name] = typeof one === "bigint" ? one + BigInt(other) : one + Number(other);
  }
  return sums as unknown as UsageSums;
}
