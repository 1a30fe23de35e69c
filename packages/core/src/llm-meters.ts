import { createCallSeries } from "./call-series.ts";
import type { CoreState } from "./core-state.ts";
import type { LabelValue } from "./label-value.ts";
import type { LlmCall } from "./llm-call.ts";
import { combineCall, type KnownCall } from "./llm-combined.ts";
import { createCallFamilies } from "./llm-families.ts";
import { addTokens, hasModalities } from "./llm-modality.ts";
import { generationsOf, hasTokens, modelOf, pathsOf, type CallPaths, type MeasuredCall } from "./llm-paths.ts";
import { createQuickRecording } from "./llm-quick.ts";
import { callValuesOf, createCallValues } from "./llm-values.ts";
import type { RefusalReason } from "./vocabulary.ts";

export interface LlmMeters {
  /** Records a call in all meters of the area: both generations of the conventions as configured, and the business meters. */
  record(measured: MeasuredCall): void;
  recordQuickly(given: LlmCall): boolean;
  /** Records seconds between chunks of a call that has not ended. */
  recordChunks(call: LlmCall, secondsBetween: readonly number[]): void;
}

/** Calls go family by family the first time, and to all their series at once from then on. */
export function createLlmMeters(state: CoreState): LlmMeters {
  const known = createCallSeries<KnownCall>(state);
  const families = createCallFamilies(state, () => known.forget());
  const values = createCallValues();
  const refuse = (reason: RefusalReason): void => state.refuse("llm tokens", reason);

  function record(measured: MeasuredCall): void {
    const { call, operation, status, errorType } = measured;
    const labels = state.attribution.labels();
    const model = modelOf(call);
    const found = known.find(operation, status, errorType, call.provider, model, call.responseModel, labels);
    const isKnown = found !== undefined && (found.takesTokens || !hasTokens(measured));
    const own = isKnown && !hasModalities(call) ? callValuesOf(measured) : undefined;
    if (isKnown && own !== undefined) {
      found.record(own);
      found.recordRare(own);
    } else {
      const paths = pathsOf(measured, labels);
      recordPlainly(measured, paths);
      const combined = isKnown ? undefined : combineCall(state, families, measured, paths);
      if (combined !== undefined) {
        known.keep([operation, status, errorType, call.provider, model, call.responseModel, ...labels], combined);
      }
    }
    const { timeToFirstChunk: first, timePerOutputChunk: next } = call;
    if (first !== undefined || next !== undefined) addChunks(call, operation, first, next, labels);
  }

  function recordPlainly(measured: MeasuredCall, { target, ending, request, priced, labels }: CallPaths): void {
    const { call, tokens, cost } = measured;
    const { latest, old, isInference } = generationsOf(state, measured);
    const { cells } = families.finished.series(ending, labels);
    if (call.duration !== undefined) {
      if (latest && isInference) cells.inference(call.duration);
      if (old || !isInference) cells.operation(call.duration);
    }
    if (tokens.input !== null && latest) cells.inputTokens(tokens.input);
    if (tokens.output !== null && latest) cells.outputTokens(tokens.output);
    if (old && hasTokens(measured)) {
      const { input, output } = families.oldTokens.series(ending, labels).cells;
      if (tokens.input !== null) input(tokens.input);
      if (tokens.output !== null) output(tokens.output);
    }
    if (latest) addTokens((modality) => families.used.series([...target, modality], labels), call, tokens, refuse);

    families.requests.series(request, labels).cells.count(1);
    const money = families.business.series(priced, labels).cells;
    if (cost.nanoUsd !== null) {
      const usd = Number(cost.nanoUsd) / 1e9;
      money.cost(usd);
      money.requestCost(usd);
    } else if (cost.status === "unpriced") money.unpriced(1);
    if (call.queueDuration !== undefined) money.queue(call.queueDuration);
    if (call.contextSize !== undefined) money.context(call.contextSize);
  }

  function addChunks(
    call: LlmCall,
    operation: string,
    first: number | undefined,
    between: number | readonly number[] | undefined,
    labels: readonly LabelValue[],
  ): void {
    const times: readonly unknown[] = Array.isArray(between) ? between : [between];
    if (first === undefined && times.every((time) => time === undefined)) return;
    const { latest, old } = generationsOf(state, { operation });
    const path = [call.provider, operation, modelOf(call), call.responseModel];
    const { cells } = families.chunks.series(path, labels);
    if (first !== undefined) {
      if (latest) cells.first(first);
      if (old) cells.oldFirst(first);
    }
    for (const time of times) {
      if (time === undefined) continue;
      if (latest) cells.next(time as number);
      if (old) cells.oldNext(time as number);
    }
  }

  return {
    record,
    recordQuickly: createQuickRecording(state, known, values),
    recordChunks: (call, secondsBetween) =>
      addChunks(call, call.operation ?? "chat", undefined, secondsBetween, state.attribution.labels()),
  };
}
