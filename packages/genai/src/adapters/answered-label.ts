import type { LlmCall } from "@meterbridge/core";
import { captureState, remember } from "../fetch/capture-state.ts";
import { modelLabel } from "../fetch/model-labels.ts";

/** The model's name in meters of a call that has ended: by the same rule, and with the same memory, as the capture of `fetch`. */
export function answeredLabel({ provider, model, status }: Pick<LlmCall, "provider" | "model" | "status">): string {
  const state = captureState();
  const isAnswered = status === "completed";
  if (isAnswered) remember(state.answeredModels, model);
  return modelLabel(state, { provider, model }, isAnswered);
}
