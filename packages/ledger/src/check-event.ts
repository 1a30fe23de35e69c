import type { CostStatus, UsageEvent } from "@meterbridge/core";
import * as v from "valibot";
import { cleanText } from "./clean-text.ts";
import { canonicalId, capturedAtOf, earliest, eventIdAt, latest } from "./event-id.ts";
import { costStatuses, usageKinds, usageSources } from "./event-words.ts";
import type { LedgerRow } from "./ledger-row.ts";
import { isPlainEvent, mostNanoUsd } from "./plain-event.ts";

export interface CheckedEvent {
  readonly row: LedgerRow;
  /** The fields that could not be kept as given, and are null, or the default, in the row. */
  readonly mended: readonly string[];
}

/**
 * The usage event as a row. Never throws and never refuses an event: usage that was measured is kept, and of a field that cannot
 * be right only that field is lost, and told. Tokens go up to 10^12, money to ±9 × 10^15 nano-USD (9 million USD) for one
 * event; times lie in the years 2000 to 2099.
 */
export function checkEvent(event: UsageEvent, defaultTenant: string): CheckedEvent {
  if (isPlainEvent(event)) return { row: plainRow(event, defaultTenant), mended: [] };
  return checkBySchema(event, defaultTenant);
}

/** Decides about every event; {@link checkEvent} only knows a shorter way for plain ones. */
export function checkBySchema(event: UsageEvent, defaultTenant: string): CheckedEvent {
  const checked = v.safeParse(eventSchema, event);
  if (checked.success) return { row: rowOf(checked.output, defaultTenant), mended: [] };
  const mended = [...new Set(checked.issues.map(fieldOf))];
  // Named one by one: a copy of the object would leave out what it inherits.
  const right = typeof event === "object" && event !== null ? fields.filter((field) => !mended.includes(field)) : [];
  const rest = Object.fromEntries(right.map((field) => [field, event[field]]));
  // Every field may be missing, so what is left is right.
  return { row: rowOf(v.parse(eventSchema, rest), defaultTenant), mended };
}

const text = v.nullish(v.pipe(v.string(), v.transform(cleanText)), null);
const tokens = v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(1e12)), null);
const micros = v.nullish(v.pipe(v.number(), v.minValue(0), v.maxValue(1e12), v.transform(toMicros)), null);
const eventSchema = v.object({
  eventId: v.optional(v.pipe(v.string(), v.nonEmpty(), v.transform(canonicalId))),
  occurredAt: v.optional(v.pipe(v.custom<Date>(isDate), v.transform(Number), v.minValue(earliest), v.maxValue(latest))),
  kind: v.optional(v.picklist(usageKinds), "llm_call"),
  tenant: text,
  employee: text,
  project: text,
  process: text,
  execution: text,
  user: text,
  provider: text,
  model: text,
  responseModel: text,
  serviceTier: text,
  name: text,
  inputTokens: tokens,
  outputTokens: tokens,
  cacheReadTokens: tokens,
  cacheWriteTokens: tokens,
  reasoningTokens: tokens,
  costNanoUsd: v.nullish(v.pipe(v.bigint(), v.minValue(-mostNanoUsd), v.maxValue(mostNanoUsd)), null),
  costStatus: v.optional(v.picklist(costStatuses)),
  priceBook: text,
  inferenceMs: micros,
  queueMs: micros,
  isSuccess: v.optional(v.boolean(), true),
  errorType: text,
  usageSource: v.optional(v.picklist(usageSources), "none"),
  attempts: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(1e6)), 1),
});

const fields = Object.keys(eventSchema.entries) as readonly (keyof UsageEvent)[];

function plainRow(event: UsageEvent, defaultTenant: string): LedgerRow {
  const { eventId, costStatus, inferenceMs, queueMs } = event;
  const status = statusOf(event, costStatus);
  // Written out: spreading 28 fields costs more than all the checks.
  return {
    tenant: event.tenant || defaultTenant,
    eventId,
    capturedAt: capturedAtOf(eventId),
    occurredAt: event.occurredAt.getTime(),
    kind: event.kind,
    employee: event.employee,
    project: event.project,
    process: event.process,
    execution: event.execution,
    user: event.user,
    provider: event.provider,
    model: event.model,
    name: event.name,
    inputTokens: event.inputTokens,
    outputTokens: event.outputTokens,
    cacheReadTokens: event.cacheReadTokens,
    cacheWriteTokens: event.cacheWriteTokens,
    reasoningTokens: event.reasoningTokens,
    costNanoUsd: event.costNanoUsd,
    costStatus: status,
    priceBook: event.priceBook,
    unpriced: status === "unpriced" ? 1 : 0,
    inferenceMicros: inferenceMs === null ? null : toMicros(inferenceMs),
    queueMicros: queueMs === null ? null : toMicros(queueMs),
    isSuccess: event.isSuccess,
    errorType: event.errorType,
    usageSource: event.usageSource,
    attempts: event.attempts,
    corrects: null,
    responseModel: event.responseModel,
    serviceTier: event.serviceTier,
  };
}

function rowOf(event: v.InferOutput<typeof eventSchema>, defaultTenant: string): LedgerRow {
  const { eventId: givenId, occurredAt: givenTime, tenant, costStatus, inferenceMs, queueMs, ...rest } = event;
  const occurredAt = givenTime ?? ((givenId && capturedAtOf(givenId)) || Date.now());
  const eventId = givenId ?? eventIdAt(occurredAt);
  const status = statusOf(event, costStatus ?? "none");
  return {
    ...rest,
    tenant: tenant || defaultTenant,
    eventId,
    capturedAt: capturedAtOf(eventId),
    occurredAt,
    costStatus: status,
    unpriced: status === "unpriced" ? 1 : 0,
    inferenceMicros: inferenceMs,
    queueMicros: queueMs,
    corrects: null,
  };
}

/** A price that could not be kept leaves the call unpriced, which is told apart from free. */
function statusOf({ costNanoUsd }: { readonly costNanoUsd: bigint | null }, status: CostStatus): CostStatus {
  return costNanoUsd === null && status !== "none" ? "unpriced" : status;
}

function toMicros(milliseconds: number): number {
  return Math.round(milliseconds * 1000);
}

function fieldOf(issue: v.BaseIssue<unknown>): string {
  const key = issue.path?.[0]?.key;
  return typeof key === "string" ? key : "";
}

/** Not by `instanceof`: a date of another realm, such as a test runner's, is one too. */
function isDate(value: unknown): boolean {
  return Object.prototype.toString.call(value) === "[object Date]" && Number.isFinite(Number(value));
}
