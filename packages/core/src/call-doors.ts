import { context, createContextKey, type Context } from "@opentelemetry/api";

/**
 * A place through which a model call goes: `llm.measure`, a framework's span, the fetch beneath it. Each could count the call, and one
 * must. The rule: the lowest door that sees it counts it, because it is closest to what the provider said, and those above stand aside;
 * unless one above keeps the call to itself, because it was told how to read the usage.
 */
export interface CallDoor {
  /** Whether a call was counted beneath, so that this door must not. */
  countedBeneath(): boolean;
  /** This door counts the call itself: one beneath that comes later, as callbacks do after an abort, must not. */
  close(): void;
  /** The context to run the work in. */
  readonly active: Context;
}

/** Opens a door above what runs in `door.active`. `keeps`: nothing beneath is counted. */
export function openCallDoor(keeps = false, within: Context = context.active()): CallDoor {
  const entry: Entry = { above: entryOf(within), keeps, counted: false };
  return {
    active: within.setValue(key, entry),
    countedBeneath: () => entry.counted,
    close() {
      entry.keeps = true;
    },
  };
}

/**
 * Asked by a door before it counts a call, with the context that the call was made in; best when the call begins, so that those above time no chunks
 * of it. True: it is its to count, and all above are told. False: one above keeps the call to itself, and this one must not count it.
 */
export function mayCountCall(within: Context = context.active()): boolean {
  const nearest = entryOf(within);
  for (let entry = nearest; entry !== undefined; entry = entry.above) if (entry.keeps) return false;
  for (let entry = nearest; entry !== undefined; entry = entry.above) entry.counted = true;
  return true;
}

/** Runs `work` with no model call in it counted: for calls that are metered by hand, or that are nobody's to pay. */
export function withoutCapture<Result>(work: () => Result): Result {
  return context.with(openCallDoor(true).active, work);
}

interface Entry {
  readonly above: Entry | undefined;
  keeps: boolean;
  counted: boolean;
}

const key = createContextKey("meterbridge.call-doors");

function entryOf(within: Context): Entry | undefined {
  return within.getValue(key) as Entry | undefined;
}
