import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { Outcome } from "./send-with-retry.ts";
import { countPoints, splitMetrics } from "./split-metrics.ts";

/** What one request holds. */
export interface Part {
  readonly metrics: ResourceMetrics;
  /** As they were sent before: a repetition is the same export. */
  readonly bytes?: Uint8Array;
}

export interface SendPartsOptions {
  serialise(metrics: ResourceMetrics, index: number): Uint8Array;
  post(body: Uint8Array): Promise<Outcome>;
  /** The backend took a part, with this answer. */
  delivered(part: Part, answer: Uint8Array): void;
}

export interface SentParts {
  /** Of the last request. Delivered, when there was nothing to send. */
  readonly outcome: Outcome;
  /** Parts that may have arrived, or not. */
  readonly unanswered: readonly Part[];
  /** More points than that in a request are too large for the backend. */
  readonly mostPoints: number;
}

/**
 * Sends parts one after the other, up to the first that does not arrive. One that the backend calls too large (413) goes in halves,
 * down to single points.
 */
export async function sendParts(parts: readonly Part[], options: SendPartsOptions): Promise<SentParts> {
  const { serialise, post, delivered } = options;
  const left = [...parts];
  let mostPoints = Infinity;
  let sent = 0;
  let outcome: Outcome = { delivered: true, body: Buffer.alloc(0) };
  for (let part = left.shift(); part !== undefined; part = left.shift()) {
    const bytes = part.bytes ?? serialise(part.metrics, sent++);
    outcome = await post(bytes);
    if (outcome.delivered) {
      delivered(part, outcome.body);
      continue;
    }
    const points = countPoints(part.metrics);
    if (outcome.kind === "413" && points > 1) {
      mostPoints = Math.min(mostPoints, Math.ceil(points / 2));
      left.unshift(...splitMetrics(part.metrics, mostPoints).map((metrics) => ({ metrics })));
      continue;
    }
    // One that had been sent before is refused for good by a client error alone: otherwise it may have arrived then.
    const isOpen = outcome.mayHaveArrived || (part.bytes !== undefined && !refusedForGood(outcome.kind));
    const others = left.filter((other) => other.bytes !== undefined);
    return { outcome, unanswered: isOpen ? [{ ...part, bytes }, ...others] : others, mostPoints };
  }
  return { outcome, unanswered: [], mostPoints };
}

function refusedForGood(kind: string): boolean {
  return /^4\d\d$/.test(kind) && kind !== "408" && kind !== "429";
}
