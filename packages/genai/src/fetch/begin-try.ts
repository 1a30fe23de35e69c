import type { Context } from "@opentelemetry/api";
import { currentAttribution, mayCountCall } from "@meterbridge/core";
import type { CaptureState } from "./capture-state.ts";
import { beginModelCall, type BegunTry } from "./model-call.ts";
import { type Addressed, readModelRequest } from "./model-request.ts";

/**
 * The try that this request is, of a call that begins with it or that it tries again; undefined where there is none to meter: it is no model call, or
 * another door counts it. `begunAt`: where it was sent before.
 */
export function beginTry(
  state: CaptureState,
  addressed: Addressed,
  content: unknown,
  within: Context,
  begunAt?: number,
): BegunTry | undefined {
  try {
    const parsed = readModelRequest(addressed, content);
    if (parsed === undefined || !mayCountCall(within)) return undefined;
    const { request, json } = parsed;
    const attribution = currentAttribution();
    const again = state.waiting.take(request, attribution)?.call;
    again?.tryAgain();
    return { request, json, call: again ?? beginModelCall(state, request, { within, attribution, begunAt }) };
  } catch {
    return undefined;
  }
}
