import type { Context } from "@opentelemetry/api";

/**
 * Calls that were counted, for adapters that are told of a call but cannot run it in a context of theirs: by the model's name and the context they
 * find out whether theirs was among them. Kept only while such an adapter waits for the end of a call, and no more than a thousand.
 */
interface CountedCall {
  readonly position: number;
  readonly model: string | undefined;
  /** Not to keep what belongs to a request. */
  readonly within: WeakRef<Context>;
  isClaimed: boolean;
}

/** An adapter that waits. */
export interface WaitingCall {
  /** The call has ended: whether a call was counted since it began that is this one. */
  isCounted(): boolean;
}

interface Waiting {
  readonly model: string;
}

const key: unique symbol = Symbol.for("meterbridge.counted-calls");
const holder = globalThis as { [key]?: { calls: CountedCall[]; position: number; readonly waiting: Set<Waiting> } };
const state = (holder[key] ??= { calls: [], position: 0, waiting: new Set() });
const most = 1000;

/** A call of this model is counted, that began in this context. */
export function noteCountedCall(model: string | undefined, within: Context): void {
  if (state.waiting.size === 0) return;
  state.calls.push({ position: (state.position += 1), model, within: new WeakRef(within), isClaimed: false });
  if (state.calls.length > most) state.calls.shift();
}

/** Begins to wait for the end of a call of this model. */
export function waitForCountedCall(model: string, within: Context): WaitingCall {
  const since = state.position;
  const waiting: Waiting = { model };
  state.waiting.add(waiting);
  return {
    isCounted() {
      if (!state.waiting.delete(waiting)) return false;
      const open = state.calls.filter((call) => call.position > since && !call.isClaimed);
      // On the wire a model may go by another name, such as that of an Azure deployment.
      const found =
        open.find((call) => call.model === model) ??
        open.find((call) => call.within.deref() === within && !isAwaited(call.model));
      if (found !== undefined) found.isClaimed = true;
      if (state.waiting.size === 0) state.calls = [];
      return found !== undefined;
    },
  };
}

function isAwaited(model: string | undefined): boolean {
  for (const waiting of state.waiting) if (waiting.model === model) return true;
  return false;
}
