import { context } from "@opentelemetry/api";
import { askForUsage, refusesToTell } from "./ask-for-usage.ts";
import { type CaptureState, remember } from "./capture-state.ts";
import { networkErrorType } from "./error-types.ts";
import type { BegunTry, ModelCall } from "./model-call.ts";
import type { ModelRequest } from "./model-request.ts";
import { isRetried, millisToNextTry } from "./retry-signs.ts";
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
  const asking = askForUsage(state, begun);
  let isAsked = asking !== undefined;
  const outcome = followTry(state, begun);

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
    outcome.broken(error);
    throw error;
  }
  if (isAsked && !request.route.takesStreamOptions) {
    answer = answer.then((first) => (refusesToTell(first) ? unasked(first) : first));
  }
  return answer.then(
    (response) => {
      outcome.answered(response, isAsked);
      return response;
    },
    (error: unknown) => {
      outcome.broken(error);
      throw error;
    },
  );
}

/** Has the call go on, or end, by what becomes of one try of it. */
export interface TryOutcome {
  /** `isAsked`: for its usage, on the caller's behalf. */
  answered(response: Response, isAsked: boolean): void;
  broken(error: unknown): void;
}

export function followTry(state: CaptureState, begun: BegunTry): TryOutcome {
  const { call } = begun;
  const { facts } = begun.request;
  const { format } = begun.request.route;
  const isNumbered = begun.request.retrySign?.retry !== undefined;
  // Not kept longer than until an answer comes: the prompt is in it.
  let request: ModelRequest | undefined = begun.request;
  const settle = (settled: Settled): void => {
    if (request !== undefined) settleTry(state, call, request, settled);
    request = undefined;
  };
  const fail = (errorType: string, response?: Response): void => {
    const at = performance.now();
    settle({ isFinal: response !== undefined && !isRetried(response), response, end: () => call.fail(errorType, at) });
  };
  const wasGivenUp = watchSignal(call, request, (isTimeout) => {
    const at = performance.now();
    if (isTimeout) fail("TimeoutError");
    // These clients end a try like that when its time is over, too, and then try again.
    else settle({ isFinal: !isNumbered, end: () => call.abandon(undefined, at) });
  });
  return {
    answered(response, isAsked) {
      if (response.ok) request = undefined;
      const { tokens } = state.settings;
      try {
        if (isCounted(state, response)) call.discard();
        else if (!response.ok) fail(String(response.status), response);
        else tapAnswer(response, call, { format, facts: { ...facts, hidesUsage: isAsked }, tokens });
      } catch {
        call.complete(undefined);
      }
    },
    broken(error) {
      // The reason of a signal is one for all that it ends.
      if (wasGivenUp()) return;
      if (isCounted(state, error)) call.discard();
      else fail(networkErrorType(error));
    },
  };
}

/** Whether a metered fetch beneath this one has counted it, which another hand called so late that neither knew of the other. */
function isCounted({ counted }: CaptureState, outcome: unknown): boolean {
  if (typeof outcome !== "object" || outcome === null) return false;
  if (counted.has(outcome)) return true;
  counted.add(outcome);
  return false;
}

/** What a try came to that brought no answer to read. */
interface Settled {
  /** No client tries again after this. */
  readonly isFinal: boolean;
  readonly response?: Response | undefined;
  /** Ends the call by it. */
  end(): void;
}

/** The call ends with its try, unless its client may try again. */
function settleTry(state: CaptureState, call: ModelCall, request: ModelRequest, settled: Settled): void {
  if (settled.isFinal || request.retrySign === undefined || !call.isOpen()) return settled.end();
  const millis = millisToNextTry(settled.response?.headers);
  call.onEnd(state.waiting.wait({ call, request, millis, settle: () => settled.end() }));
}
