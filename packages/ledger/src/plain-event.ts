import type { UsageEvent } from "@meterbridge/core";
import { longestText } from "./clean-text.ts";
import { earliest, latest } from "./event-id.ts";
import { costStatuses, usageKinds, usageSources } from "./event-words.ts";

/**
 * Whether nothing in the event needs mending: then it becomes a row as it is. Core's events are like that, and asking costs a
 * tenth of running the schema, which decides about all others. A property test holds the two together.
 */
export function isPlainEvent(event: UsageEvent): boolean {
  return (
    typeof event === "object" &&
    event !== null &&
    typeof event.eventId === "string" &&
    uuidV7.test(event.eventId) &&
    event.occurredAt instanceof Date &&
    isWithin(event.occurredAt.getTime(), earliest, latest) &&
    usageKinds.includes(event.kind) &&
    isText(event.tenant) &&
    isText(event.employee) &&
    isText(event.project) &&
    isText(event.process) &&
    isText(event.execution) &&
    isText(event.user) &&
    isText(event.provider) &&
    isText(event.model) &&
    isText(event.responseModel) &&
    isText(event.serviceTier) &&
    isText(event.name) &&
    isCount(event.inputTokens) &&
    isCount(event.outputTokens) &&
    isCount(event.cacheReadTokens) &&
    isCount(event.cacheWriteTokens) &&
    isCount(event.reasoningTokens) &&
    isMoney(event.costNanoUsd) &&
    costStatuses.includes(event.costStatus) &&
    isText(event.priceBook) &&
    isMilliseconds(event.inferenceMs) &&
    isMilliseconds(event.queueMs) &&
    typeof event.isSuccess === "boolean" &&
    isText(event.errorType) &&
    usageSources.includes(event.usageSource) &&
    Number.isSafeInteger(event.attempts) &&
    isWithin(event.attempts, 1, 1e6)
  );
}

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function isText(value: string | null): boolean {
  return (
    value === null ||
    (typeof value === "string" && value.length <= longestText && value.isWellFormed() && !value.includes("\0"))
  );
}

function isCount(value: number | null): boolean {
  return value === null || (Number.isSafeInteger(value) && isWithin(value, 0, 1e12));
}

function isMilliseconds(value: number | null): boolean {
  return value === null || (typeof value === "number" && isWithin(value, 0, 1e12));
}

function isMoney(value: bigint | null): boolean {
  return value === null || (typeof value === "bigint" && value >= -mostNanoUsd && value <= mostNanoUsd);
}

/** Money of one event that a row holds, exact as a number too. */
export const mostNanoUsd = 9_000_000_000_000_000n;

/** False for NaN. */
function isWithin(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}
