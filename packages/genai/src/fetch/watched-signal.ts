import type { BegunTry } from "./model-call.ts";
import { retrySign } from "./retry-signs.ts";

/**
 * Has the call end when its caller gives up, whether or not anybody still reads. `timedOut`: the time that the client gives a try was over before an
 * answer came, after which it may try again. The function says whether that is why the try has failed, and has the call end if it is.
 */
export function watchSignal({ call, request }: BegunTry, timedOut: () => void): () => boolean {
  const { signal } = request;
  if (signal === undefined || signal === null) return () => false;
  const begun = performance.now();
  const seconds = retrySign(request.headers)?.timeoutSeconds ?? Number.POSITIVE_INFINITY;
  const onAbort = (): void => {
    const isTimeout =
      nameOf(signal.reason) === "TimeoutError" || performance.now() - begun >= seconds * 1000 - timerSlack;
    if (!isTimeout) call.abandon();
    else if (call.isAnswered()) call.abandon("TimeoutError");
    else timedOut();
  };
  signal.addEventListener("abort", onAbort, { once: true });
  call.onEnd(() => signal.removeEventListener("abort", onAbort));
  return () => {
    if (signal.aborted) onAbort();
    return signal.aborted;
  };
}

/** Timers may fire a millisecond early. */
const timerSlack = 20;

function nameOf(reason: unknown): unknown {
  return typeof reason === "object" && reason !== null ? (reason as { name?: unknown }).name : undefined;
}
