import { context } from "@opentelemetry/api";
import { askForUsage, refusesToTell } from "./ask-for-usage.ts";
import { type CaptureState, remember } from "./capture-state.ts";
import { networkErrorType } from "./error-types.ts";
import type { BegunTry } from "./model-call.ts";
import { isRetried, millisToNextTry, retrySign } from "./retry-signs.ts";
import { tapAnswer } from "./tapped-answer.ts";
import { watchSignal } from "./watched-signal.ts";

type Send = (...given: readonly unknown[]) => Promise<Response>;

/** Sends one try of a call, asking for usage where that is due, and reads what comes of it. */
export function sendTry(
  state: CaptureState,
  begun: BegunTry,
  given: readonly unknown[],
  send: Send,
): Promise<Response> {
  const { call, request } = begun;
  const asking = askForUsage(state, request);
  let isAsked = asking !== undefined;
  let isOver = false;
  const fail = (errorType: string, response?: Response): void => {
    if (!isOver) failed(state, begun, errorType, response);
    isOver = true;
  };
  const wasGivenUp = watchSignal(begun, () => fail("TimeoutError"));

  const sendWithin = (...sent: readonly unknown[]): Promise<Response> =>
    context.with(call.active, () => {
      state.depth += 1;
      try {
        return send(...sent);
      } finally {
        state.depth -= 1;
      }
    });

  async function unasked(refusal: Response): Promise<Response> {
    isAsked = false;
    await refusal.body?.cancel().catch(() => {});
    const answer = await sendWithin(...given);
    // Was it the wish? Whatever else is wrong with the request would be refused again.
    if (!refusesToTell(answer)) remember(state.refusingHosts, request.host);
    return answer;
  }

  let answer: Promise<Response>;
  try {
    const [input, init, ...rest] = given;
    answer = isAsked ? sendWithin(input, { ...(init as RequestInit), body: asking }, ...rest) : sendWithin(...given);
  } catch (error) {
    fail(networkErrorType(error));
    throw error;
  }
  if (isAsked && !request.route.takesStreamOptions) {
    answer = answer.then((first) => (refusesToTell(first) ? unasked(first) : first));
  }
  return answer.then(
    (response) => {
      try {
        if (isCounted(state, response)) call.discard();
        else if (response.ok) tapAnswer(response, call, request.route, { ...request.facts, hidesUsage: isAsked });
        else fail(String(response.status), response);
      } catch {
        call.complete(undefined);
      }
      return response;
    },
    (error: unknown) => {
      // The reason of a signal is one for all that it ends.
      if (wasGivenUp()) throw error;
      if (isCounted(state, error)) call.discard();
      else fail(networkErrorType(error));
      throw error;
    },
  );
}

/** Whether a metered fetch beneath this one has counted it, which another hand called so late that neither knew of the other. */
function isCounted({ counted }: CaptureState, outcome: unknown): boolean {
  if (typeof outcome !== "object" || outcome === null) return false;
  if (counted.has(outcome)) return true;
  counted.add(outcome);
  return false;
}

/** The try has failed: so has the call, unless its client may try again. */
function failed(state: CaptureState, { call, request }: BegunTry, errorType: string, response?: Response): void {
  const isLast = retrySign(request.headers) === undefined || (response !== undefined && !isRetried(response));
  const at = performance.now();
  const settle = (): void => call.fail(errorType, at);
  if (isLast || !call.isOpen()) return settle();
  const millis = millisToNextTry(response?.headers);
  call.onEnd(state.waiting.wait({ call, request, millis, settle }));
}
