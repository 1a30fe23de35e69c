import type { CoreState } from "./core-state.ts";
import { combine, type Combined, type Recording } from "./instrument.ts";
import type { CallFamilies } from "./llm-families.ts";
import { generationsOf, hasTokens, type CallPaths, type MeasuredCall } from "./llm-paths.ts";
import { at, isRare } from "./llm-values.ts";

/** How a call is recorded whose like was recorded before: all its series at once. */
export interface KnownCall {
  readonly record: (values: Float64Array) => void;
  /** Records what few calls have. */
  readonly recordRare: (values: Float64Array) => void;
  /** Whether it takes the values of a call with tokens. */
  readonly takesTokens: boolean;
}

/**
 * Makes one of a call that was just recorded family by family. Undefined where one of its values had to be changed on the way to its
 * series: each such call is refused, or counted as dropped, anew.
 */
export function combineCall(
  state: CoreState,
  families: CallFamilies,
  measured: MeasuredCall,
  { target, ending, request, priced, labels }: CallPaths,
): KnownCall | undefined {
  const { latest, old, isInference } = generationsOf(state, measured);
  const withOldTokens = old && hasTokens(measured);
  const finished = families.finished.known(ending, labels)?.recordings;
  const requests = families.requests.known(request, labels)?.recordings;
  const money = families.business.known(priced, labels)?.recordings;
  const used = latest ? families.used.known([...target, "unknown"], labels)?.recordings : undefined;
  const oldTokens = withOldTokens ? families.oldTokens.known(ending, labels)?.recordings : undefined;
  const isComplete = (used !== undefined || !latest) && (oldTokens !== undefined || !withOldTokens);
  if (!finished || !requests || !money || !isComplete) return undefined;
  const meter = state.binding.meter();
  if (meter === null) return undefined;

  const members: Combined[] = [];
  const add = (recording: Recording, position: number): void => void members.push({ recording, position });
  if (latest && isInference) add(finished.inference, at.duration);
  if (old || !isInference) add(finished.operation, at.duration);
  if (latest) {
    add(finished.inputTokens, at.input);
    add(finished.outputTokens, at.output);
  }
  if (oldTokens !== undefined) {
    add(oldTokens.input, at.input);
    add(oldTokens.output, at.output);
  }
  if (used !== undefined) {
    add(used.input, at.inputCounted);
    add(used.output, at.outputCounted);
    add(used.cacheRead, at.cacheRead);
    add(used.cacheWrite, at.cacheWrite);
    add(used.reasoning, at.reasoning);
  }
  add(requests.count, at.one);
  add(money.cost, at.usd);
  add(money.requestCost, at.usd);
  add(money.unpriced, at.unpriced);
  add(money.queue, at.queue);
  add(money.context, at.context);
  const usual = members.filter(({ position }) => !isRare(position));
  const rare = members.filter(({ position }) => isRare(position));
  return { record: combine(meter, usual), recordRare: combine(meter, rare), takesTokens: withOldTokens || !old };
}
