import type { UsageTotals } from "./hot-counter-totals.ts";

/** Whose counters: a tenant's, or one of its employees'. */
export interface CounterOwner {
  readonly tenant: string;
  /** Null: the tenant as a whole. */
  readonly employee: string | null;
}

/** The last word of each key, in the order in which scripts take them. */
const counterNames = ["tasks", "tokens", "duration_ms", "errors", "tool_calls", "llm_calls", "cost_nano_usd"] as const;

/**
 * `metrics:tenant:{acme}:tasks`, `metrics:employee:{acme}:ada:tasks`. The braces are Redis Cluster's hash tag: all keys of a
 * tenant lie in one slot. Employees stand beneath their tenant, since two tenants may number theirs alike.
 */
export function ownerKey(prefix: string, { tenant, employee }: CounterOwner): string {
  const tag = `{${keyPart(tenant)}}`;
  return employee === null ? `${prefix}:tenant:${tag}` : `${prefix}:employee:${tag}:${keyPart(employee)}`;
}

/** The key of the version first, then the counters'. */
export function counterKeys(prefix: string, owner: CounterOwner): readonly string[] {
  const key = ownerKey(prefix, owner);
  return [`${key}:version`, ...counterNames.map((name) => `${key}:${name}`)];
}

/**
 * An id as part of a key: what has a meaning there, and control characters, are percent-encoded, so that different ids never
 * share a key. An empty id becomes `%`, since an empty tag is none.
 */
export function keyPart(id: string): string {
  if (id === "") return "%";
  return id.replaceAll(/[%:{}\p{Cc}\u2028\u2029]/gu, encodeURIComponent);
}

/** In the order of {@link counterNames}, in plain decimals. */
export function counterValues(totals: UsageTotals): readonly string[] {
  return [
    totals.tasks,
    totals.tokens,
    totals.durationMs,
    totals.errors,
    totals.toolCalls,
    totals.llmCalls,
    totals.costNanoUsd,
  ].map((value) => BigInt(value).toString());
}

/** Undefined when one of them is missing or no number. */
export function parseCounters(values: readonly unknown[]): UsageTotals | undefined {
  const texts = values.map(String);
  if (texts.length !== counterNames.length || !texts.every((text) => /^-?\d+$/.test(text))) return undefined;
  const [tasks, tokens, durationMs, errors, toolCalls, llmCalls] = texts.map(Number) as SixNumbers;
  return { tasks, tokens, durationMs, errors, toolCalls, llmCalls, costNanoUsd: BigInt(texts[6]!) };
}

type SixNumbers = [number, number, number, number, number, number];
