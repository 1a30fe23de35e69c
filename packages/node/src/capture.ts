import type { PriceBook } from "@meterbridge/core";
import { captureFetch, endOpenCalls, genAiSpans, type SpanProcessorLike } from "@meterbridge/genai";
import { captureModules } from "./capture-modules.ts";
import type { CaptureChoice } from "./settings.ts";

/** Model calls that are metered without a word in the application, as far as `start()` has to do with them. */
export interface Capture {
  /** For the status line; nothing when nothing is captured. */
  readonly summary: readonly string[];
  /** What makes meters of the spans of frameworks. */
  readonly spanProcessors: readonly SpanProcessorLike[];
  /** The process ends: what is known of the calls that are open is recorded. */
  settle(): void;
  stop(): void;
}

/** @throws Error of one line when a host is given a language that nobody speaks. */
export function startCapture(choice: CaptureChoice, priceBook: PriceBook | null, isTracing: boolean): Capture {
  const { doors, ...options } = choice;
  const effective = doors.filter((door) => door === "fetch" || isTracing);
  const summary = effective.length === 0 ? [] : [`captures ${effective.join(", ")}`];
  const spanProcessors = effective.includes("spans") ? [genAiSpans()] : [];
  if (!doors.includes("fetch")) return { summary, spanProcessors, settle() {}, stop() {} };
  const stopFetch = captureFetch({ ...options, priceBook });
  const stopModules = captureModules();
  return {
    summary,
    spanProcessors,
    settle: endOpenCalls,
    stop() {
      stopModules();
      stopFetch();
    },
  };
}
