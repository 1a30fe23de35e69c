import type { CaptureSettings } from "./capture-options.ts";
import { defaultSettings } from "./capture-options.ts";
import type { BegunTry, ModelCall } from "./model-call.ts";
import { createWaitingCalls, type WaitingCalls, type WaitingTry } from "./waiting-calls.ts";

/** What all metered fetches of this process share, also when the package is installed twice: or a call would be counted twice. */
export interface CaptureState {
  settings: CaptureSettings;
  /** The functions that meter, so that none is wrapped again. */
  readonly metering: WeakSet<object>;
  /** Answers, and errors in their place, that are seen to already. */
  readonly counted: WeakSet<object>;
  /** Calls that have begun and not ended. */
  readonly open: Set<ModelCall>;
  /** Failed tries whose client may try again. */
  readonly waiting: WaitingCalls<WaitingTry & Pick<BegunTry, "call">>;
  /** Models that a provider has answered for: such a name is a model's. */
  readonly answeredModels: Set<string>;
  /** Hosts that refused to be asked for usage. */
  readonly refusingHosts: Set<string>;
  /** What was told already. */
  readonly told: Set<string>;
  /** What `captureFetch()` put in place of the global fetch, while anybody wants it. */
  captured: CapturedFetch | undefined;
  /** A metered fetch has been called and has not returned: one that it calls at once is part of it. */
  depth: number;
}

export interface CapturedFetch {
  readonly original: typeof fetch;
  readonly metered: typeof fetch;
  users: number;
}

export function captureState(): CaptureState {
  return (holder[key] ??= {
    settings: defaultSettings,
    metering: new WeakSet(),
    counted: new WeakSet(),
    open: new Set(),
    waiting: createWaitingCalls(),
    answeredModels: new Set(),
    refusingHosts: new Set(),
    told: new Set(),
    captured: undefined,
    depth: 0,
  });
}

/** Ends every call that is open: before the process ends, what is known of them is recorded. */
export function endOpenCalls(): void {
  const state = captureState();
  state.waiting.settleAll();
  for (const call of state.open) call.abandon();
}

/** Adds to a set that must not grow for ever. */
export function remember(set: Set<string>, entry: string, most = 1000): void {
  if (set.size < most) set.add(entry);
}

const key: unique symbol = Symbol.for("meterbridge.capture");
const holder = globalThis as { [key]?: CaptureState };
