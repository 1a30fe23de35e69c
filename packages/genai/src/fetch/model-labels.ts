import { type CaptureState } from "./capture-state.ts";

/**
 * The model's name in meters: the one asked for, where it is known to be a model's, because a provider has answered to it, the price book has it or
 * the application has named it; else `other`: a request may name anything, and each name would be a series.
 */
export function modelLabel(
  { settings, answeredModels }: CaptureState,
  { provider, model }: { readonly provider: string; readonly model: string },
  isAnswered: boolean,
): string {
  if (answeredModels.has(model) || settings.models.has(model)) return model;
  if (isAnswered && answeredModels.size < mostRemembered) return model;
  try {
    if (settings.priceBook?.knows?.({ provider, model })) return model;
  } catch {
    // Then it does not know it.
  }
  return "other";
}

const mostRemembered = 1000;
