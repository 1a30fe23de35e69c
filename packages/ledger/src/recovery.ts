import { setTimeout as sleep } from "node:timers/promises";

/** Tries again and again what did not work, with pauses that hold no process. */
export interface Recovery {
  /** In the background, until it works or `end` is called. */
  start(): void;
  /** Once, now, or together with the try under way. Resolves with whether it worked. */
  retry(): Promise<boolean>;
  end(): void;
}

/** `attempt` never rejects. `isNeeded` is asked when it worked, for what came up meanwhile. */
export function createRecovery(attempt: () => Promise<boolean>, isNeeded: () => boolean): Recovery {
  let attempting: Promise<boolean> | undefined;
  let isRunning = false;
  let hasEnded = false;
  let pause: AbortController | undefined;

  function start(): void {
    if (isRunning || hasEnded) return;
    isRunning = true;
    void run().finally(() => {
      isRunning = false;
      // Not at once: what cannot be read stays.
      if (isNeeded()) setTimeout(start, shortestPause).unref();
    });
  }

  async function run(): Promise<void> {
    let wait = shortestPause;
    while (!(await retry())) {
      if (hasEnded) return;
      pause = new AbortController();
      const jittered = wait * (0.75 + Math.random() / 2);
      await sleep(jittered, undefined, { signal: pause.signal, ref: false }).catch(() => {});
      wait = Math.min(wait * 2, longestPause);
    }
  }

  function retry(): Promise<boolean> {
    attempting ??= attempt().finally(() => (attempting = undefined));
    return attempting;
  }

  return {
    start,
    retry,
    end() {
      hasEnded = true;
      pause?.abort();
    },
  };
}

/** Milliseconds between two tries: doubled each time, a quarter more or less. */
const shortestPause = 100;
const longestPause = 15_000;
