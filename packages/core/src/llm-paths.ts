import type { CoreState } from "./core-state.ts";
import type { LabelValue } from "./label-value.ts";
import type { LlmCall } from "./llm-call.ts";
import type { CallCost } from "./llm-cost.ts";
import type { TokenCounts } from "./llm-tokens.ts";
import type { RunStatus } from "./vocabulary.ts";

/** A call with its parts worked out. */
export interface MeasuredCall {
  readonly call: LlmCall;
  readonly operation: string;
  readonly status: RunStatus;
  readonly errorType: string | undefined;
  readonly tokens: TokenCounts;
  readonly cost: CallCost;
  readonly occurredAt: Date;
}

/** Which series a call goes to: the values that each family is asked for. */
export interface CallPaths {
  readonly target: readonly unknown[];
  readonly ending: readonly unknown[];
  readonly request: readonly unknown[];
  readonly priced: readonly unknown[];
  readonly labels: readonly LabelValue[];
}

export function pathsOf(
  { call, operation, status, errorType }: MeasuredCall,
  labels: readonly LabelValue[],
): CallPaths {
  const { provider, responseModel } = call;
  const model = modelOf(call);
  return {
    target: [provider, operation, model, responseModel],
    ending: [provider, operation, model, responseModel, errorType],
    request: [provider, model, operation, status],
    priced: [provider, model],
    labels,
  };
}

/** The model's name in meters. */
export function modelOf({ modelLabel, model }: LlmCall): string {
  return modelLabel ?? model;
}

export function hasTokens({ tokens }: MeasuredCall): boolean {
  return tokens.input !== null || tokens.output !== null;
}

/** Which generations of the conventions the call is recorded in. */
export function generationsOf(
  state: CoreState,
  { operation }: { readonly operation: string },
): { readonly latest: boolean; readonly old: boolean; readonly isInference: boolean } {
  const { genaiSemconv } = state.settings();
  return {
    latest: genaiSemconv !== "v1.41",
    old: genaiSemconv !== "latest",
    isInference: inference.has(operation),
  };
}

/** Operations whose duration the newest convention names `inference`; the others stay `operation`. */
const inference: ReadonlySet<string> = new Set(["chat", "generate_content", "text_completion"]);
