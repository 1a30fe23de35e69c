import type { MeasuredCall } from "./llm-paths.ts";

/** Where the values of a call stand in the list that its series are recorded from. */
export const at = {
  duration: 0,
  input: 1,
  output: 2,
  /** For the counters: 0 where there is no usage. */
  inputCounted: 3,
  outputCounted: 4,
  cacheRead: 5,
  cacheWrite: 6,
  reasoning: 7,
  one: 8,
  usd: 9,
  unpriced: 10,
  queue: 11,
  context: 12,
} as const;

export function createCallValues(): Float64Array {
  const values = new Float64Array(Object.keys(at).length).fill(NaN);
  values[at.one] = 1;
  return values;
}

/** Writes the call's values down. False where one is not simply a number that every meter takes: that call needs more care. */
export function fillCallValues(values: Float64Array, { call, tokens, cost }: MeasuredCall): boolean {
  const { duration, queueDuration, contextSize } = call;
  if (!isPlain(duration) || !isPlain(queueDuration) || !isPlain(contextSize)) return false;
  const { input, output, cacheRead, cacheWrite, reasoning } = tokens;
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
    if (!isPlain(usd)) return false;
    values[at.usd] = usd;
    values[at.unpriced] = NaN;
  }
  return true;
}

/** What a cell takes without a second look. Null is not nothing: it is refused, and told. */
function isPlain(value: unknown): boolean {
  return value === undefined || (typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER);
}
