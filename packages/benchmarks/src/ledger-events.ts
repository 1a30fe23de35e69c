import { randomFillSync } from "node:crypto";
import type { UsageEvent } from "@meterbridge/core";

/** What the events of all ledger benchmarks look like: tenants by Zipf's law, everything else evenly within a tenant. */
export const population = { tenants: 50, employees: 5, projects: 3, models: 6, providers: 3 } as const;

/** Usage as an application of many tenants records it. The same seed gives the same events, but for ids and times. */
export function createEventSource(seed: number): (occurredAt: number) => UsageEvent {
  const random = randomNumbers(seed);
  const below = (limit: number): number => Math.floor(random() * limit);

  return (occurredAt) => {
    const tenant = tenantAt(random());
    const employee = below(population.employees);
    const project = below(population.projects);
    const model = below(population.models);
    const kind = kindAt(random());
    const isCall = kind === "llm_call";
    const isSuccess = below(50) > 0;
    const inputTokens = 200 + below(4000);
    const outputTokens = 20 + below(800);
    return {
      eventId: uuidV7(occurredAt),
      occurredAt: new Date(occurredAt),
      kind,
      tenant: tenantName(tenant),
      employee: `employee-${employee}`,
      project: `project-${project}`,
      process: isCall ? "answer" : null,
      execution: `execution-${below(1e9)}`,
      user: `user-${tenant * 1000 + below(1000)}`,
      provider: isCall ? providerName(model) : null,
      model: isCall ? modelName(model) : null,
      responseModel: isCall ? modelName(model) : null,
      serviceTier: isCall ? "default" : null,
      name: isCall ? null : `${kind}-${below(10)}`,
      inputTokens: isCall ? inputTokens : null,
      outputTokens: isCall ? outputTokens : null,
      cacheReadTokens: isCall ? inputTokens >> 1 : null,
      cacheWriteTokens: isCall ? 0 : null,
      reasoningTokens: isCall ? outputTokens >> 2 : null,
      costNanoUsd: isCall ? BigInt(inputTokens * 1250 + outputTokens * 10_000) : null,
      costStatus: isCall ? "priced" : "none",
      priceBook: isCall ? "2026-11-01" : null,
      inferenceMs: 200 + below(2000),
      queueMs: isCall ? below(20) : null,
      isSuccess,
      errorType: isSuccess ? null : "timeout",
      usageSource: isCall ? "provider" : "none",
      attempts: 1,
    };
  };
}

export function createEvents(seed: number, count: number, startsAt: number): UsageEvent[] {
  const next = createEventSource(seed);
  // Five in a millisecond, as at the rate of the write benchmarks.
  return Array.from({ length: count }, (_, index) => next(startsAt + Math.floor(index / 5)));
}

/** What a store has to say about events that it was given, to the last nano-USD. */
export interface ExpectedSums {
  readonly events: number;
  readonly errors: number;
  readonly inputTokens: number;
  readonly costNanoUsd: bigint;
}

export function expectedSums(events: readonly UsageEvent[]): ExpectedSums {
  const sums = { events: events.length, errors: 0, inputTokens: 0, costNanoUsd: 0n };
  for (const event of events) {
    sums.errors += event.isSuccess ? 0 : 1;
    sums.inputTokens += event.inputTokens ?? 0;
    sums.costNanoUsd += event.costNanoUsd ?? 0n;
  }
  return sums;
}

/** Tenant `n` of 1 to 50 has a share proportional to 1 / n; `at` is from 0 to below 1. */
export function tenantAt(at: number): number {
  const found = tenantBounds.findIndex((bound) => at < bound);
  return found < 0 ? population.tenants : found + 1;
}

export function tenantName(tenant: number): string {
  return `tenant-${tenant}`;
}

function modelName(model: number): string {
  return `model-${model}`;
}

function providerName(model: number): string {
  return `provider-${model % population.providers}`;
}

function kindAt(at: number): UsageEvent["kind"] {
  if (at < 0.8) return "llm_call";
  return at < 0.95 ? "tool_call" : "task";
}

const tenantBounds: readonly number[] = boundsOfZipf(population.tenants);

function boundsOfZipf(count: number): number[] {
  const weights = Array.from({ length: count }, (_, index) => 1 / (index + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.map((weight) => (sum += weight) / total);
}

/** Mulberry32: numbers from 0 to below 1, the same for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function uuidV7(milliseconds: number): string {
  const time = milliseconds.toString(16).padStart(12, "0");
  const random = randomFillSync(randomBytes).toString("hex");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-8${random.slice(3, 6)}-${random.slice(6, 18)}`;
}

const randomBytes: Buffer = Buffer.alloc(9);
