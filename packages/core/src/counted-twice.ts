import { context, type Context } from "@opentelemetry/api";
import type { LlmCall } from "./llm-call.ts";

/** Notices where a call seems to be counted twice: by hand, and by the capture of model calls. */
export interface TwiceCheck {
  /** A call that was started in the context has been counted. */
  started(call: LlmCall, within: Context): void;
  /** A call has been counted that was told of when it was over. */
  told(call: LlmCall, within?: Context): void;
}

/**
 * Only ever says so, once: two calls may well be alike, and what was told is counted. Looks at the last call that was started alone, which is
 * enough for a call that is recorded right after it was captured, and costs no more than a few comparisons.
 */
export function createTwiceCheck(warn: (message: string) => void): TwiceCheck {
  let last: { readonly call: LlmCall; readonly within: Context; readonly at: number } | undefined;
  let isTold = false;
  return {
    started(call, within) {
      if (!isTold) last = { call, within, at: performance.now() };
    },
    told(call, within) {
      if (last === undefined || last.within !== (within ?? context.active()) || !isAlike(call, last.call)) return;
      if (performance.now() - last.at > longestApart) return;
      isTold = true;
      last = undefined;
      warn(
        "a model call recorded by llm.record() or llm.measure() is like one that was captured, or started by llm.start(), within the same second: " +
          "same model, same tokens. If they are one call, leave one of the two out, or make the call in withoutCapture() (told once)",
      );
    },
  };
}

/** Milliseconds. */
const longestApart = 1000;

function isAlike(one: LlmCall, other: LlmCall): boolean {
  const { inputTokens, outputTokens } = one;
  if (!inputTokens || inputTokens !== other.inputTokens || outputTokens !== other.outputTokens) return false;
  return isSame(one.model, other) || isSame(one.responseModel, other);
}

function isSame(model: string | undefined, { model: asked, responseModel }: LlmCall): boolean {
  return model !== undefined && (model === asked || model === responseModel);
}
