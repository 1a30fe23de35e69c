const SIGNALS = ["SIGTERM", "SIGINT"] as const;

export interface ExitHooks {
  /** Records what is in progress as it stands, when the process is sure to end. At once; must not throw. */
  settle(): void;
  /** Flushes; must settle within a deadline of its own and never reject. */
  flush(): Promise<void>;
  /** What can only be done at once, before a signal takes effect. Must not throw. */
  lastMoment(): void;
  readonly handleSignals: boolean;
}

/**
 * Flushes when the process is about to end, and leaves the ending as it would be without us: a process that has no signal
 * handler of its own ends by the signal, one that has keeps its behaviour, and one that has nothing more to do ends.
 * The function returned removes the hooks.
 */
export function installExitHooks({ settle, flush, lastMoment, handleSignals }: ExitHooks): () => void {
  let flushing = false;

  async function onSignal(signal: NodeJS.Signals): Promise<void> {
    const undecided = !isDecidedElsewhere(signal);
    if (!flushing) {
      flushing = true;
      if (undecided) settle();
      await flush();
      flushing = false;
    }
    // A second signal during the flush comes straight here: it ends the process at once.
    if (undecided) letHappen(signal);
  }

  function letHappen(signal: NodeJS.Signals): void {
    process.removeListener(signal, listener);
    settle();
    lastMoment();
    process.kill(process.pid, signal);
  }

  const listener = (signal: NodeJS.Signals): void => void onSignal(signal);
  const onBeforeExit = (): void => {
    settle();
    void flush();
  };

  // Once: the flush itself keeps the loop alive, after which the event would come again, for ever.
  process.once("beforeExit", onBeforeExit);
  // First in line: a handler that was added with `once` must still be there when ours looks who else is.
  if (handleSignals) for (const signal of SIGNALS) process.prependListener(signal, listener);
  return () => {
    process.removeListener("beforeExit", onBeforeExit);
    for (const signal of SIGNALS) process.removeListener(signal, listener);
  };
}

/** Whether the application itself handles the signal, so that what happens next is up to it. */
function isDecidedElsewhere(signal: NodeJS.Signals): boolean {
  return process.listenerCount(signal) - 1 > signalExitListeners();
}

/**
 * How many listeners the package signal-exit has (part of many a command-line tool, versions 3 and 4). It steps back
 * whenever there is a listener beside its own; if we stepped back as well, the process would never end. It counts its
 * copies on these two globals, for each other's sake.
 */
function signalExitListeners(): number {
  const holders = [
    (globalThis as { [key: symbol]: unknown })[Symbol.for("signal-exit emitter")],
    (process as { __signal_exit_emitter__?: unknown }).__signal_exit_emitter__,
  ] as ({ readonly count?: unknown } | undefined)[];
  return holders.reduce((sum, holder) => sum + (typeof holder?.count === "number" ? holder.count : 0), 0);
}
