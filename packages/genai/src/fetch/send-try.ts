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
  watchSignal(begun, () => failed(state, begun, "TimeoutError"));

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
    failed(state, begun, networkErrorType(error));
    throw error;
  }
  if (isAsked && !request.route.takesStreamOptions) {
    answer = answer.then((first) => (refusesToTell(first) ? unasked(first) : first));
  }
  return answer.then(
    (response) => {
      try {
        read(state, begun, response, isAsked);
      } catch {
        call.complete(undefined);
      }
      return response;
    },
    (error: unknown) => {
      failed(state, begun, networkErrorType(error));
      throw error;
    },
  );
}

function read(state: CaptureState, begun: BegunTry, response: Response, hidesUsage: boolean): void {
  const { call, request } = begun;
  // A metered fetch beneath this one, which another hand has called later, has counted it.
  if (state.tapped.has(response)) return call.discard();
  state.tapped.add(response);
  if (response.ok) tapAnswer(response, call, request.route, { ...request.facts, hidesUsage });
  else failed(state, begun, String(response.status), response);
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
