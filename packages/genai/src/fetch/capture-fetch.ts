import { diag } from "@opentelemetry/api";
import { type CaptureOptions, defaultSettings, settleCapture } from "./capture-options.ts";
import { captureState } from "./capture-state.ts";
import { meteredFetch } from "./meter-fetch.ts";

/**
 * Meters the calls of models that go through the global `fetch`, once per process: tokens, cost, times, failures, streamed answers
 * included. Requests to anybody else go on untouched. The function ends it, and puts the original `fetch` back unless somebody has replaced ours since.
 * Called again while it lasts, the options of the first call stay in force.
 *
 * @throws Error of one line when an option is wrong.
 */
export function captureFetch(options: CaptureOptions = {}): () => void {
  const settings = settleCapture(options);
  const state = captureState();
  if (state.captured === undefined) {
    const original = globalThis.fetch;
    const captured = { original, metered: original, users: 0 };
    // One that is metered already (by `meterFetch`) needs no more than the settings.
    if (!state.metering.has(original)) captured.metered = meteredFetch(state, original, () => captured.users > 0);
    state.settings = settings;
    state.captured = captured;
    globalThis.fetch = captured.metered;
  } else if (Object.keys(options).length > 0) {
    diag.warn("[meterbridge] [capture] captureFetch() was called again; the options of this call have no effect");
  }
  const { captured } = state;
  captured.users += 1;
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    captured.users -= 1;
    if (captured.users > 0) return;
    state.captured = undefined;
    state.settings = defaultSettings;
    if (globalThis.fetch === captured.metered) globalThis.fetch = captured.original;
  };
}
