import { SpanStatusCode } from "@opentelemetry/api";
import type { RunStatus } from "@meterbridge/core";
import { recordOf, type SpanLike, type SpanView } from "./span-view.ts";

/** How a finished span ended. */
export interface SpanEnding {
  readonly status: RunStatus;
  /** Seconds. */
  readonly duration: number;
  readonly errorType: string | undefined;
}

/** Messages of errors are not read: they may quote the prompt. */
export function spanEnding(span: SpanLike, view: SpanView): SpanEnding {
  const duration = secondsOf(span.duration);
  const told = view.text("error.type");
  if (recordOf(span.status)["code"] !== SpanStatusCode.ERROR && told === undefined) {
    return { status: "completed", duration, errorType: undefined };
  }
  const answered = view.number("http.response.status_code");
  const errorType =
    wordIn(told) ??
    (answered !== undefined && answered >= 400 ? String(answered) : undefined) ??
    exceptionIn(span.events);
  if (errorType !== undefined && aborts.has(errorType)) return { status: "cancelled", duration, errorType: undefined };
  return { status: "failed", duration, errorType: errorType ?? "_OTHER" };
}

/** The caller gave up, which is no failure. */
const aborts: ReadonlySet<string> = new Set(["AbortError", "APIUserAbortError"]);

/** Seconds and nanoseconds, as all generations of the SDK have it. */
function secondsOf(duration: unknown): number {
  if (!Array.isArray(duration)) return 0;
  const [seconds, nanoseconds] = duration as unknown[];
  const sum = Number(seconds) + Number(nanoseconds) / 1e9;
  return Number.isFinite(sum) && sum > 0 ? sum : 0;
}

function exceptionIn(events: unknown): string | undefined {
  if (!Array.isArray(events)) return undefined;
  for (const event of (events as unknown[]).toReversed()) {
    const { name, attributes } = recordOf(event);
    if (name !== "exception") continue;
    const type = wordIn(recordOf(attributes)["exception.type"]);
    if (type !== undefined) return type;
  }
  return undefined;
}

/** A name, and no message. */
function wordIn(value: unknown): string | undefined {
  return typeof value === "string" && /^[\w.$:-]{1,64}$/.test(value) ? value : undefined;
}
