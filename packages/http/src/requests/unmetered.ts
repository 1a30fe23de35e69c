import { context } from "@opentelemetry/api";

/**
 * A property of servers (`http.createServer()`) and of client requests or their agents (`http.request()`) that are not to be metered.
 * Meterbridge's own scrape server and exporters carry it.
 */
const unmetered: unique symbol = Symbol.for("meterbridge.unmetered");

export function isUnmetered(thing: object | null | undefined): boolean {
  return thing != null && Reflect.get(thing, unmetered) === true;
}

/** Whether the active context belongs to telemetry itself: OpenTelemetry's readers and processors export under this key. */
export function isSuppressed(): boolean {
  return context.active().getValue(suppressTracing) === true;
}

/** As `suppressTracing` of `@opentelemetry/core` makes it: context keys are global symbols of their descriptions. */
const suppressTracing: symbol = Symbol.for("OpenTelemetry SDK Context Key SUPPRESS_TRACING");
