import { context } from "@opentelemetry/api";
import { currentAttribution, mayCountCall } from "@meterbridge/core";
import { captureState, type CaptureState } from "./capture-state.ts";
import { beginModelCall, beneathMeteredFetch, type BegunTry } from "./model-call.ts";
import { readModelRequest } from "./model-request.ts";
import { sendTry } from "./send-try.ts";

/**
 * The same `fetch`, with calls of models metered: for a client that brings its own, such as `meterFetch(undici.fetch)`. What it resolves to, when and
 * with which bytes stays as it is. One that meters already is given back.
 */
export function meterFetch<Fetch extends (...given: never[]) => Promise<unknown>>(fetch: Fetch): Fetch {
  const state = captureState();
  if (typeof fetch !== "function") {
    throw new Error(`[meterbridge] [capture] meterFetch() needs a function such as fetch, found ${typeof fetch}`);
  }
  return state.metering.has(fetch) ? fetch : meteredFetch(state, fetch, () => true);
}

/** A proxy, so that its name, its length and whatever it carries are those of the original. */
export function meteredFetch<Fetch extends (...given: never[]) => Promise<unknown>>(
  state: CaptureState,
  original: Fetch,
  isOn: () => boolean,
): Fetch {
  const metered = new Proxy(original, {
    apply(target, self: unknown, given: never[]) {
      const send = (...args: unknown[]): Promise<Response> => Reflect.apply(target, self, args);
      const begun = state.depth === 0 && isOn() ? begin(state, given) : undefined;
      return begun === undefined ? send(...given) : sendTry(state, begun, given, send);
    },
  });
  state.metering.add(metered);
  return metered;
}

/** The call that this request is a try of; undefined where there is none to meter. Whatever goes wrong here, the request is sent. */
function begin(state: CaptureState, given: readonly unknown[]): BegunTry | undefined {
  try {
    const request = readModelRequest(given as never, state.settings);
    if (request === undefined) return undefined;
    const within = context.active();
    if (within.getValue(beneathMeteredFetch) !== undefined || !mayCountCall(within)) return undefined;
    const attribution = currentAttribution();
    const again = state.waiting.take(request, attribution)?.call;
    again?.tryAgain(request);
    return { request, call: again ?? beginModelCall(state, request, within, attribution) };
  } catch {
    return undefined;
  }
}
