import type { AggregationOption } from "@opentelemetry/sdk-metrics";
import { createAggregation, type Aggregation } from "./aggregation.ts";
import type { InstrumentDescriptor } from "./descriptor.ts";
import { AggregationType } from "./official-enums.ts";
import { limitOf, type RegisteredReader } from "./registered-reader.ts";
import type { InstrumentationScope } from "./scope.ts";
import type { View } from "./views.ts";

/** A stream that an instrument has, for the readers that want it alike. */
export interface StreamPlan {
  readonly descriptor: InstrumentDescriptor;
  readonly aggregation: Aggregation;
  readonly limit: number;
  readonly view: View | undefined;
  readonly readers: readonly RegisteredReader[];
}

/**
 * The streams of an instrument: one for each view that selects it, or one as it is where none does. Where a view names no
 * aggregation or limit, each reader's own choice holds (specification, metrics SDK, "Stream configuration").
 */
export function planStreams(
  descriptor: InstrumentDescriptor,
  scope: InstrumentationScope,
  views: readonly View[],
  readers: readonly RegisteredReader[],
): StreamPlan[] {
  const selected = views.filter((view) => view.matches(descriptor, scope));
  if (selected.length === 0) return planView(undefined, descriptor, readers);
  return selected.flatMap((view) => planView(view, descriptor, readers));
}

function planView(
  view: View | undefined,
  instrument: InstrumentDescriptor,
  readers: readonly RegisteredReader[],
): StreamPlan[] {
  const descriptor = view?.rename(instrument) ?? instrument;
  const plans = new Map<string, StreamPlan & { readonly readers: RegisteredReader[] }>();
  for (const registered of readers) {
    const option = chosen(view?.options.aggregation) ?? registered.reader.selectAggregation(instrument.type);
    const aggregation = createAggregation(option, descriptor);
    if (aggregation === undefined) continue;
    const limit = view?.options.aggregationCardinalityLimit ?? limitOf(registered, instrument.type);
    const key = `${limit} ${aggregation.identity}`;
    const plan = plans.get(key);
    if (plan === undefined) plans.set(key, { descriptor, aggregation, limit, view, readers: [registered] });
    else plan.readers.push(registered);
  }
  return [...plans.values()];
}

function chosen(option: AggregationOption | undefined): AggregationOption | undefined {
  return option?.type === AggregationType.DEFAULT ? undefined : option;
}
