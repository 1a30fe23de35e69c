import type { CallSeries } from "./call-series.ts";
import type { CoreState } from "./core-state.ts";
import type { LlmCall } from "./llm-call.ts";
import type { KnownCall } from "./llm-combined.ts";
import { askPriceBook } from "./llm-cost.ts";
import { at } from "./llm-values.ts";
import { CallNow } from "./priced-call.ts";

/**
 * Records a call of the usual kind: plain numbers, series that are known, nothing to be told of it to a sink. False for any other, of which
 * nothing was recorded then. It does what the careful way does, with every field read once into a variable: the objects that
 * the careful way makes cost as much as all the rest.
 */
export function createQuickRecording(
  state: CoreState,
  known: CallSeries<KnownCall>,
  values: Float64Array,
): (given: LlmCall) => boolean {
  return (given) => {
    let isRecording = false;
    try {
      const { provider, model, modelLabel, responseModel, serviceTier, errorType, webSearches } = given;
      const { operation = "chat", status = errorType === undefined ? "completed" : "failed" } = given;
      const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = given;
      const { cacheWriteHourTokens, duration, queueDuration, contextSize } = given;
      if (
        !isCount(inputTokens) ||
        !isCount(outputTokens) ||
        !(cacheReadTokens === undefined || isCount(cacheReadTokens)) ||
        !(cacheWriteTokens === undefined || isCount(cacheWriteTokens)) ||
        !(reasoningTokens === undefined || isCount(reasoningTokens)) ||
        !isAmount(duration) ||
        !isAmount(queueDuration) ||
        !isAmount(contextSize) ||
        given.timeToFirstChunk !== undefined ||
        given.timePerOutputChunk !== undefined ||
        given.inputByModality !== undefined ||
        given.cacheReadByModality !== undefined ||
        given.outputByModality !== undefined ||
        given.costUsd !== undefined ||
        given.occurredAt !== undefined
      ) {
        return false;
      }
      const labels = state.attribution.labels();
      const label = modelLabel ?? model;
      const found = known.find(operation, status, errorType, provider, label, responseModel, labels);
      if (found === undefined || !found.takesTokens) return false;
      const { priceBook } = state.settings();
      let usd = NaN;
      if (priceBook !== null) {
        const question = new CallNow();
        question.provider = provider;
        question.model = model;
        question.responseModel = responseModel;
        question.inputTokens = inputTokens;
        question.outputTokens = outputTokens;
        question.cacheReadTokens = cacheReadTokens ?? 0;
        question.cacheWriteTokens = cacheWriteTokens ?? 0;
        question.cacheWriteHourTokens = cacheWriteHourTokens;
        question.reasoningTokens = reasoningTokens ?? 0;
        question.webSearches = webSearches;
        question.serviceTier = serviceTier;
        const nanoUsd = askPriceBook(state, priceBook, question);
        if (nanoUsd !== null) usd = Number(nanoUsd) / 1e9;
        if (usd > Number.MAX_SAFE_INTEGER) return false;
      }
      values[at.duration] = duration ?? NaN;
      values[at.input] = inputTokens;
      values[at.output] = outputTokens;
      values[at.inputCounted] = inputTokens;
      values[at.outputCounted] = outputTokens;
      values[at.usd] = usd;
      values[at.unpriced] = Number.isNaN(usd) ? 1 : NaN;
      isRecording = true;
      found.record(values);
      if (
        cacheReadTokens !== undefined ||
        cacheWriteTokens !== undefined ||
        reasoningTokens !== undefined ||
        queueDuration !== undefined ||
        contextSize !== undefined
      ) {
        values[at.cacheRead] = cacheReadTokens ?? NaN;
        values[at.cacheWrite] = cacheWriteTokens ?? NaN;
        values[at.reasoning] = reasoningTokens ?? NaN;
        values[at.queue] = queueDuration ?? NaN;
        values[at.context] = contextSize ?? NaN;
        found.recordRare(values);
      }
      return true;
    } catch (error) {
      if (isRecording) throw error;
      return false;
    }
  };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && Number.isSafeInteger(value);
}

function isAmount(value: unknown): value is number | undefined {
  return value === undefined || (typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER);
}
