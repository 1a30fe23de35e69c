import { diag, type Counter } from "@opentelemetry/api";

export type RefusalReason =
  | "not_a_number"
  | "not_finite"
  | "negative"
  | "too_large"
  | "not_whole"
  | "sum_too_large"
  | "attribute_value";

/** Counts what could not be recorded as given, and tells each kind once for each instrument. */
export type Refuse = (instrument: string, reason: RefusalReason) => void;

const explanations: Readonly<Record<RefusalReason, string>> = {
  not_a_number: "a value that is not a number was left out",
  not_finite: "NaN or Infinity was left out, it would have poisoned the sum",
  negative: "a negative value was left out",
  too_large: "a whole number beyond 2^53 was left out, it has no exact double",
  not_whole: "the fraction of a value was cut off, the instrument counts whole numbers",
  sum_too_large: "a sum passed the largest number there is, and stays there",
  attribute_value: "an attribute that is no text, finite number, boolean or list of those was left out or made text",
};

/** Kept small: no stream of mistakes may grow memory. */
const mostTold = 1000;

/** `getCounter` is asked at the first refusal: most processes have none to show. */
export function createRefusals(getCounter: () => Counter): Refuse {
  const told = new Set<string>();
  let counter: Counter | undefined;
  return (instrument, reason) => {
    counter ??= getCounter();
    counter.add(1, { meter: instrument.slice(0, 255), reason });
    const key = `${instrument} ${reason}`;
    if (told.has(key) || told.size >= mostTold) return;
    told.add(key);
    diag.warn(
      `[meterbridge] [sdk-metrics] ${instrument}: ${explanations[reason]} (told once; counted in meterbridge.values.refused)`,
    );
  };
}
