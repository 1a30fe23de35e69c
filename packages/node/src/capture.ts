import type { PriceBook } from "@meterbridge/core";
import { captureFetch, endOpenCalls } from "@meterbridge/genai";
import type { CaptureChoice } from "./settings.ts";

/** Model calls that are metered without a word in the application, as far as `start()` has to do with them. */
export interface Capture {
  /** For the status line; nothing when nothing is captured. */
  readonly summary: readonly string[];
  /** The process ends: what is known of the calls that are open is recorded. */
  settle(): void;
  stop(): void;
}

/** @throws Error of one line when a host is given a language that nobody speaks. */
export function startCapture(choice: CaptureChoice, priceBook: PriceBook | null, isTracing: boolean): Capture {
  const { doors, askForUsage, hosts, models } = choice;
  const effective = doors.filter((door) => door === "fetch" || isTracing);
  const summary = effective.length === 0 ? [] : [`captures ${effective.join(", ")}`];
  if (!doors.includes("fetch")) return { summary, settle() {}, stop() {} };
  const stop = captureFetch({ askForUsage, hosts, models, priceBook });
  return { summary, settle: endOpenCalls, stop };
}
