import type { AggregationOption, ViewOptions } from "@opentelemetry/sdk-metrics";
import { AggregationType } from "./official-enums.ts";

/**
 * Numbers that are none would otherwise show only in what is recorded: a limit of NaN is no limit.
 *
 * @throws Error that names the view, what was found, and what may stand there.
 */
export function checkView(options: ViewOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new Error(`[meterbridge] [sdk-metrics] a view must be an object of options, found ${described(options)}`);
  }
  const { aggregationCardinalityLimit: limit, aggregation, attributesProcessors, instrumentName } = options;
  if (instrumentName !== undefined && instrumentName !== null && typeof instrumentName !== "string") {
    throw wrong(options, "instrumentName", "a text", instrumentName);
  }
  const name: unknown = options.name ?? undefined;
  if (name !== undefined && (typeof name !== "string" || name === "")) throw wrong(options, "name", "a text", name);
  const description: unknown = options.description ?? "";
  if (typeof description !== "string") throw wrong(options, "description", "a text", description);
  if (limit !== undefined && limit !== null && !isLimit(limit)) {
    throw wrong(options, "aggregationCardinalityLimit", "a whole number from 1", limit);
  }
  if (aggregation !== undefined && aggregation !== null) checkAggregation(options, aggregation);
  const processors: unknown = attributesProcessors ?? [];
  if (!Array.isArray(processors) || !processors.every(isProcessor)) {
    throw wrong(options, "attributesProcessors", "a list of objects with a function process", processors);
  }
}

/** Whether it can limit the number of series. */
export function isLimit(limit: unknown): limit is number {
  return limit === Infinity || (Number.isInteger(limit) && (limit as number) >= 1);
}

function checkAggregation(view: ViewOptions, aggregation: AggregationOption): void {
  if (!(Object.values(AggregationType) as unknown[]).includes(aggregation.type)) {
    throw wrong(view, "aggregation.type", "an AggregationType", aggregation.type);
  }
  if (aggregation.type === AggregationType.EXPONENTIAL_HISTOGRAM) {
    const maxSize: unknown = aggregation.options?.maxSize;
    const isSize = Number.isInteger(maxSize) && (maxSize as number) >= 0 && (maxSize as number) <= largestSize;
    if (maxSize !== undefined && !isSize) {
      throw wrong(view, "aggregation.options.maxSize", `a whole number from 2 to ${largestSize}`, maxSize);
    }
  }
  if (aggregation.type === AggregationType.EXPLICIT_BUCKET_HISTOGRAM) {
    const given: unknown = aggregation.options ?? { boundaries: [] };
    const boundaries: unknown = (given as { readonly boundaries?: unknown }).boundaries;
    if (!Array.isArray(boundaries) || !boundaries.every((each) => typeof each === "number" && !Number.isNaN(each))) {
      throw wrong(view, "aggregation.options.boundaries", "a list of numbers", boundaries);
    }
  }
}

/** Buckets of a series, each way: 8 bytes each, which are taken with the series. */
const largestSize = 16_384;

function isProcessor(processor: unknown): boolean {
  return (
    typeof processor === "object" &&
    processor !== null &&
    "process" in processor &&
    typeof processor.process === "function"
  );
}

function wrong(view: ViewOptions, option: string, allowed: string, found: unknown): Error {
  const selects = view.instrumentName ?? view.meterName ?? view.instrumentUnit ?? view.instrumentType ?? "?";
  return new Error(
    `[meterbridge] [sdk-metrics] the view for "${selects}": option "${option}" must be ${allowed}, found ${described(found)}`,
  );
}

function described(found: unknown): string {
  if (typeof found === "number") return String(found);
  try {
    return JSON.stringify(found) ?? typeof found;
  } catch {
    return typeof found;
  }
}
