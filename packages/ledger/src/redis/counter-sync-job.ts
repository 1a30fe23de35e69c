/** Something to be done soon, again and again until it has worked. No two runs of it overlap; its timer does not hold the process. */
export interface Job {
  /** Within the interval, or after the pause that follows failures. */
  soon(): void;
  /** Circumstances have changed: what waits for the end of a pause is done within the interval. */
  hurry(): void;
  /** At once, after the run that may be under way. Rejects when it fails, and is then tried again. */
  now(): Promise<void>;
  end(): void;
}

export interface JobOptions {
  readonly intervalMillis: number;
  readonly work: () => Promise<void>;
  /** Before a run that follows a failed one. */
  readonly beforeRetry: () => Promise<unknown>;
  /** After each run; failures in a row, or 0. */
  readonly ended: (failures: number, error: unknown) => void;
}

export function createJob({ intervalMillis, work, beforeRetry, ended }: JobOptions): Job {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Promise<void> | undefined;
  let failures = 0;
  let hasEnded = false;

  function soon(): void {
    if (hasEnded || timer !== undefined) return;
    timer = setTimeout(
      () => {
        now().catch(() => {});
      },
      Math.min(intervalMillis * 2 ** failures, longestPauseMillis),
    );
    timer.unref();
  }

  function cancel(): void {
    clearTimeout(timer);
    timer = undefined;
  }

  async function run(): Promise<void> {
    try {
      if (failures > 0) await beforeRetry();
      await work();
      failures = 0;
      ended(0, undefined);
    } catch (error) {
      failures += 1;
      ended(failures, error);
      soon();
      throw error;
    }
  }

  async function now(): Promise<void> {
    cancel();
    const before = running;
    const mine = (before?.catch(() => {}) ?? Promise.resolve()).then(run);
    running = mine;
    try {
      await mine;
    } finally {
      if (running === mine) running = undefined;
    }
  }

  return {
    soon,
    hurry() {
      if (timer === undefined) return;
      cancel();
      failures = Math.min(failures, 1);
      soon();
    },
    now,
    end() {
      hasEnded = true;
      cancel();
    },
  };
}

const longestPauseMillis = 30_000;
