import type { Attributes, HrTime } from "@opentelemetry/api";
import type { LabelForm } from "./label-forms.ts";
import { labelValue } from "./label-values.ts";
import { labelName } from "./label-names.ts";
import type { Naming } from "./naming.ts";

/** One recording, told apart by its trace: what a meter provider may put on data points under `exemplars`. */
export interface Exemplar {
  readonly value: number;
  readonly timestamp: HrTime;
  readonly traceId?: string;
  readonly spanId?: string;
  /** Attributes of the recording that its series does not have. */
  readonly filteredAttributes?: Attributes;
}

/** A data point that may carry them. */
export interface WithExemplars {
  readonly exemplars?: readonly Exemplar[];
}

/** The latest of those between the bounds, the upper one included. */
export function latestBetween(exemplars: readonly Exemplar[], above: number, upTo: number): Exemplar | undefined {
  let latest: Exemplar | undefined;
  for (const exemplar of exemplars) {
    if (!(exemplar.value > above && exemplar.value <= upTo)) continue;
    if (latest === undefined || isLater(exemplar.timestamp, latest.timestamp)) latest = exemplar;
  }
  return latest;
}

/**
 * The labels of an exemplar: `trace_id` and `span_id`, then filtered attributes as long as there is room for them.
 *
 * Source: OpenMetrics 1.0, "Exemplars": names and values together take at most 128 characters.
 */
export function exemplarLabels(exemplar: Exemplar, form: LabelForm, naming: Naming): string {
  const { traceId = "", spanId = "", filteredAttributes = {} } = exemplar;
  const pairs: [name: string, value: string][] = [
    ["trace_id", labelValue(traceId)],
    ["span_id", labelValue(spanId)],
    ...Object.entries(filteredAttributes).map(([key, value]): [string, string] => [
      labelName(key, reservedNames, naming),
      labelValue(value),
    ]),
  ];
  const taken = new Set<string>();
  const labels: string[] = [];
  let room = mostCharacters;
  for (const [name, value] of pairs) {
    const size = Array.from(name).length + Array.from(value).length;
    if (value === "" || size > room || taken.has(name)) continue;
    taken.add(name);
    labels.push(form.label(name, value));
    room -= size;
  }
  return labels.join(form.separator);
}

/** Seconds since 1970, to the millisecond. */
export function secondsOf([seconds, nanoseconds]: HrTime): number {
  return (seconds * 1000 + Math.floor(nanoseconds / 1_000_000)) / 1000;
}

const mostCharacters = 128;
const reservedNames: ReadonlySet<string> = new Set(["trace_id", "span_id", "le", "quantile"]);

function isLater(one: HrTime, other: HrTime): boolean {
  return one[0] > other[0] || (one[0] === other[0] && one[1] > other[1]);
}
