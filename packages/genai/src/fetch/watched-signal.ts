import type { ModelCall } from "./model-call.ts";
import type { ModelRequest } from "./model-request.ts";

/**
 * Has the call end when its caller gives up, whether or not anybody still reads. `gaveUp`: before an answer came; the client may try again. The
 * function says whether that is why the try has failed, and has it end if it is.
 */
export function watchSignal(
  call: ModelCall,
  { signal, retrySign }: ModelRequest,
  gaveUp: (isTimeout: boolean) => void,
): () => boolean {
  if (signal === undefined || signal === null) return () => false;
  const begun = performance.now();
  const seconds = retrySign?.timeoutSeconds ?? Number.POSITIVE_INFINITY;
  const onAbort = (): void => {
    const isTimeout =
      nameOf(signal.reason) === "TimeoutError" || performance.now() - begun >= seconds * 1000 - timerSlack;
    if (call.isAnswered()) call.abandon(isTimeout ? "TimeoutError" : undefined);
    else gaveUp(isTimeout);
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
