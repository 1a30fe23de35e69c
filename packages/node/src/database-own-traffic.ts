import { context, createContextKey } from "@opentelemetry/api";
import { suppressTracing } from "@opentelemetry/core";

/**
 * Runs what this SDK does for itself, such as the ledger's writes: what it asks of databases, now and in timers and connections
 * that it opens, is neither metered nor traced as the application's.
 */
export function asOwnTraffic<Result>(work: () => Result): Result {
  return context.with(suppressTracing(context.active()).setValue(key, true), work);
}

export function isOwnTraffic(): boolean {
  return context.active().getValue(key) === true;
}

/** What the ledger's connections to PostgreSQL are called: they are its own, whoever asks over them. */
export const ownApplicationName = "meterbridge";

const key = createContextKey("meterbridge.own-traffic");
