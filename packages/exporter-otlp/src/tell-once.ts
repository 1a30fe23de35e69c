import type { DiagLogger } from "@opentelemetry/api";
import type { Outcome, Trouble } from "./send-with-retry.ts";

/** Tells the state of the exports on diag: each change once, not at each interval. */
export interface Teller {
  /** An export has ended. */
  exported(outcome: Outcome): void;
  /** A flush could not wait any longer for an export. */
  late(trouble: Trouble): void;
  /** The backend took an export but for these data points. */
  rejected(points: number, message: string): void;
  /** Data points were not finite and stayed behind. */
  leftOut(points: ReadonlyMap<string, number>): void;
  /** The exporter has been shut down. */
  ended(): void;
  /** Whether trouble has been told that is not over. */
  isFailing(): boolean;
}

export interface TellerOptions {
  /** The exporter's name. */
  readonly name: string;
  /** What to do about an answer, by its status. */
  readonly hints: Readonly<Record<string, string>>;
  readonly diag: DiagLogger;
  readonly url: URL;
  /** Texts that no message may contain: the values of the headers. */
  readonly secrets: readonly string[];
}

/**
 * A failing backend gives one warning for each kind of trouble, a recovered one gives one more. Points that are rejected
 * or left out give a warning the first time.
 */
export function createTeller({ name, hints, diag, url, secrets }: TellerOptions): Teller {
  const kindsTold = new Set<string>();
  let failures = 0;
  let rejectionTold = false;
  let leftOutTold = false;
  // Cut last: a piece of a secret would not be known for one.
  const say = (message: string): string =>
    `[meterbridge] [${name}] ${redact(message, secrets).slice(0, longestMessage)}`;

  function warnOnce({ kind, reason }: Trouble): void {
    if (kindsTold.has(kind)) return;
    kindsTold.add(kind);
    // In front: what a backend says may be long.
    const hint = hints[kind] === undefined ? "" : `${hints[kind]}; `;
    diag.warn(say(`exports to ${url.host} fail: ${hint}${reason}${portHint(url, kind)}`));
  }

  return {
    exported(outcome) {
      if (!outcome.delivered) {
        failures += 1;
        warnOnce(outcome);
        return;
      }
      const after = failures > 0 ? ` after ${failures} that failed` : "";
      // At the level of the trouble: whoever was told of it has to hear that it is over.
      if (kindsTold.size > 0) diag.warn(say(`exports to ${url.host} work again${after}`));
      failures = 0;
      kindsTold.clear();
    },
    late: warnOnce,
    rejected(points, message) {
      if (rejectionTold) return;
      rejectionTold = true;
      diag.warn(say(`${url.host} rejected ${points} data points of an export: ${message}`));
    },
    leftOut(points) {
      if (leftOutTold) return;
      leftOutTold = true;
      const names = [...points.keys()].slice(0, 5).join(", ");
      diag.warn(say(`data points that are NaN or infinite are not sent: ${names}`));
    },
    ended() {
      if (failures > 0) diag.warn(say(`shut down before ${url.host} took the last export`));
    },
    isFailing: () => kindsTold.size > 0,
  };
}

const longestMessage = 400;

function portHint(url: URL, kind: string): string {
  const isAnswer = /^\d+$/.test(kind);
  return url.port === "4317" && !isAnswer ? " (4317 is usually the gRPC port; OTLP over HTTP listens on 4318)" : "";
}

/** A backend may repeat a key in its answer, with or without the scheme (`Bearer …`) in front. */
function redact(message: string, secrets: readonly string[]): string {
  const parts = secrets.flatMap((secret) => [secret, ...secret.split(/\s+/)]).filter((part) => part.length >= 4);
  return parts.reduce((text, part) => text.replaceAll(part, "…"), message);
}
