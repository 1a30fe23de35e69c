import { context } from "@opentelemetry/api";
import { beginTry } from "./begin-try.ts";
import type { CaptureState } from "./capture-state.ts";
import { gatherBody } from "./gathered-body.ts";
import { beneathMeteredFetch } from "./model-call.ts";
import type { Addressed } from "./model-request.ts";
import { followTry } from "./send-try.ts";

/**
 * Sends a request object, whose body is a stream that `fetch` alone may read: what is asked of the model is known only when it is sent. So the call is
 * told of when an answer has come, and usage is not asked for.
 */
export function sendRequest(
  state: CaptureState,
  addressed: Addressed,
  content: Request,
  send: () => Promise<Response>,
): Promise<Response> {
  const within = context.active();
  const begunAt = performance.now();
  const gathered = gatherBody(content);
  state.depth += 1;
  let answer: Promise<Response>;
  try {
    answer = context.with(within.setValue(beneathMeteredFetch, true), send);
  } finally {
    state.depth -= 1;
  }
  const begin = (): ReturnType<typeof followTry> | undefined => {
    const begun = context.with(within, () => beginTry(state, addressed, gathered(), within, begunAt));
    return begun === undefined ? undefined : followTry(state, begun);
  };
  return answer.then(
    (response) => {
      begin()?.answered(response, false);
      return response;
    },
    (error: unknown) => {
      begin()?.broken(error);
      throw error;
    },
  );
}
