import type { MeasuredCall } from "./llm-paths.ts";

/** Where the values of a call stand in the list that its series are recorded from. */
export const at = {
  duration: 0,
  input: 1,
  output: 2,
  /** For the counters: 0 where there is no usage. */
  inputCounted: 3,
  outputCounted: 4,
  one: 5,
  usd: 6,
  unpriced: 7,
  // Few calls have these: they are recorded apart, so that the others need not look at them.
  cacheRead: 8,
  cacheWrite: 9,
  reasoning: 10,
  queue: 11,
  context: 12,
} as const;

/** Whether the value at the position is one that few calls have. */
export function isRare(position: number): boolean {
  return position >= at.cacheRead;
}

export function createCallValues(): Float64Array {
  const values = new Float64Array(Object.keys(at).length).fill(NaN);
  values[at.one] = 1;
  return values;
}

/** The call's values. Undefined where one is not simply a number that every meter takes: that call needs more care. */
export function callValuesOf({ call, tokens, cost }: MeasuredCall): Float64Array | undefined {
  const { duration, queueDuration, contextSize } = call;
  if (!isPlain(duration) || !isPlain(queueDuration) || !isPlain(contextSize)) return undefined;
  const { input, output, cacheRead, cacheWrite, reasoning } = tokens;
  const values = createCallValues();
  values[at.duration] = duration ?? NaN;
  values[at.queue] = queueDuration ?? NaN;
  values[at.context] = contextSize ?? NaN;
  values[at.input] = input ?? NaN;
  values[at.output] = output ?? NaN;
  values[at.inputCounted] = input ?? 0;
  values[at.outputCounted] = output ?? 0;
  values[at.cacheRead] = cacheRead ?? NaN;
  values[at.cacheWrite] = cacheWrite ?? NaN;
  values[at.reasoning] = reasoning ?? NaN;
  if (cost.nanoUsd === null) {
    values[at.usd] = NaN;
    values[at.unpriced] = cost.status === "unpriced" ? 1 : NaN;
  } else {
    const usd = Number(cost.nanoUsd) / 1e9;
    if (!isPlain(usd)) return undefined;
    values[at.usd] = usd;
    values[at.unpriced] = NaN;
  }
  return values;
}

/** What a cell takes without a second look. Null is not nothing: it is refused, and told. */
function isPlain(value: unknown): boolean {
  return value === undefined || (typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER);
}
