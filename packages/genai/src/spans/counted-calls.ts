/**
 * Calls that were counted, for adapters that are told of a call but cannot run it in a context of theirs: by the model's name they find out whether theirs
 * was among them. Kept only while such an adapter waits for the end of a call, and no more than a thousand.
 */
interface CountedCall {
  readonly position: number;
  /** Undefined where whoever counted did not tell. */
  readonly model: string | undefined;
  isClaimed: boolean;
}

const key: unique symbol = Symbol.for("meterbridge.counted-calls");
const holder = globalThis as { [key]?: { calls: CountedCall[]; position: number; waiting: number } };
const state = (holder[key] ??= { calls: [], position: 0, waiting: 0 });
const most = 1000;

/** A call of this model is counted from now on. */
export function noteCountedCall(model: string | undefined): void {
  if (state.waiting === 0) return;
  state.calls.push({ position: (state.position += 1), model, isClaimed: false });
  if (state.calls.length > most) state.calls.shift();
}

/** Begins to wait. The returned function ends that, and tells whether a call of the model was counted since, which no other waiting call has taken for its own. */
export function waitForCountedCall(): (model: string) => boolean {
  const since = state.position;
  let isWaiting = true;
  state.waiting += 1;
  return (model) => {
    if (!isWaiting) return false;
    isWaiting = false;
    const found = state.calls.find(
      (call) => call.position > since && !call.isClaimed && (call.model === undefined || call.model === model),
    );
    if (found !== undefined) found.isClaimed = true;
    state.waiting -= 1;
    if (state.waiting === 0) state.calls = [];
    return found !== undefined;
  };
}
