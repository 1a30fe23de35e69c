import { context } from "@opentelemetry/api";
import { beginTry } from "./begin-try.ts";
import { captureState, type CaptureState } from "./capture-state.ts";
import { beneathMeteredFetch } from "./model-call.ts";
import { type Addressed, readAddress } from "./model-request.ts";
import { sendRequest } from "./send-request.ts";
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
      const addressed = state.depth === 0 && isOn() ? addressedIn(state, given) : undefined;
      if (addressed === undefined) return send(...given);
      const { content } = addressed;
      if (isRequest(content)) return sendRequest(state, addressed, content, () => send(...given));
      const begun = beginTry(state, addressed, content, context.active());
      return begun === undefined ? send(...given) : sendTry(state, begun, given, send);
    },
  });
  state.metering.add(metered);
  return metered;
}

/** Whatever goes wrong here, the request is sent. */
function addressedIn(state: CaptureState, given: readonly unknown[]): Addressed | undefined {
  try {
    const addressed = readAddress(given as never, state.settings);
    const isBeneath = addressed !== undefined && context.active().getValue(beneathMeteredFetch) !== undefined;
    return isBeneath ? undefined : addressed;
  } catch {
    return undefined;
  }
}

/** Of whichever class: a client may bring its own. */
function isRequest(content: unknown): content is Request {
  return typeof content === "object" && content !== null && "url" in content && "clone" in content;
}
