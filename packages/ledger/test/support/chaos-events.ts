import { createHash } from "node:crypto";
import type { UsageEvent } from "@meterbridge/core";
import { eventIdAt } from "../../src/event-id.ts";

/** A series of events, each of which any process can make again by its number: with the same id, time and contents. */
export interface EventSeries {
  readonly name: string;
  /** Unix milliseconds around which the events happened. */
  readonly at: number;
}

/**
 * The events of a number: one, or the same id in two tenants. Their clock steps back all the time, and some come 60 days late.
 */
export function eventsOf(series: EventSeries, number: number): readonly UsageEvent[] {
  const random = createHash("sha256").update(`${series.name}/${number}`).digest();
  const isLate = number % 50 === 49;
  const occurredAt = new Date(series.at - ((number * 7919) % 5_000) - (isLate ? 60 * 86_400_000 : 0));
  const kind = (["llm_call", "llm_call", "task", "tool_call"] as const)[number % 4]!;
  const isUnpriced = kind === "llm_call" && number % 9 === 0;
  const event: UsageEvent = {
    eventId: eventIdAt(occurredAt.getTime(), random),
    occurredAt,
    kind,
    tenant: `tenant-${number % 3}`,
    employee: number % 5 === 0 ? null : `employee-${number % 4}`,
    project: number % 2 === 0 ? null : "search",
    process: null,
    execution: null,
    user: `user-${number % 11}`,
    provider: kind === "llm_call" ? "openai" : null,
    model: kind === "llm_call" ? `model-${number % 2}` : null,
    responseModel: kind === "llm_call" ? `model-${number % 2}-2026-11-01` : null,
    serviceTier: kind === "llm_call" ? "default" : null,
    name: kind === "llm_call" ? null : "lookup",
    inputTokens: kind === "llm_call" ? 1 + (number % 1_000) : null,
    outputTokens: kind === "llm_call" ? number % 7 : null,
    cacheReadTokens: null,
    cacheWriteTokens: null,
    reasoningTokens: null,
    costNanoUsd: kind === "llm_call" && !isUnpriced ? 1_000_003n + BigInt(number) : null,
    costStatus: kind !== "llm_call" ? "none" : isUnpriced ? "unpriced" : "priced",
    priceBook: kind === "llm_call" && !isUnpriced ? "list@1" : null,
    inferenceMs: 10 + (number % 90),
    queueMs: null,
    isSuccess: number % 13 !== 0,
    errorType: number % 13 === 0 ? "timeout" : null,
    usageSource: kind === "llm_call" ? "provider" : "none",
    attempts: 1,
  };
  return number % 10 === 3 ? [event, { ...event, tenant: "twin" }] : [event];
}

/** What a ledger has to hold after the events 0 to `count` - 1 of a series. */
export interface ExpectedSums {
  events: number;
  errors: number;
  unpriced: number;
  inputTokens: number;
  outputTokens: number;
  costNanoUsd: bigint;
  inferenceMicros: number;
}

export function addUp(series: EventSeries, count: number, into: ExpectedSums = noSums()): ExpectedSums {
  for (let number = 0; number < count; number++) {
    for (const event of eventsOf(series, number)) {
      into.events += 1;
      into.errors += event.isSuccess ? 0 : 1;
      into.unpriced += event.costStatus === "unpriced" ? 1 : 0;
      into.inputTokens += event.inputTokens ?? 0;
      into.outputTokens += event.outputTokens ?? 0;
      into.costNanoUsd += event.costNanoUsd ?? 0n;
      into.inferenceMicros += (event.inferenceMs ?? 0) * 1_000;
    }
  }
  return into;
}

function noSums(): ExpectedSums {
  return { events: 0, errors: 0, unpriced: 0, inputTokens: 0, outputTokens: 0, costNanoUsd: 0n, inferenceMicros: 0 };
}
