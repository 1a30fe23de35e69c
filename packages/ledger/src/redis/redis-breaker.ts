export type RedisState = "idle" | "up" | "down";

/** Decides whether a call is worth trying. */
export interface Breaker {
  readonly state: RedisState;
  /**
   * Undefined: reject at once. Otherwise the call has to end with exactly one of the two. What is `urgent` is let through
   * whatever the pause has left.
   */
  enter(urgency?: "urgent"): Admission | undefined;
}

export interface Admission {
  succeeded(): void;
  failed(reason: string): void;
}

export interface BreakerOptions {
  /** Called at each change, not at each call; with the reason when it goes down. */
  readonly onChange: (state: "up" | "down", reason: string) => void;
  readonly failuresAllowed?: number;
  readonly firstPauseMillis?: number;
  readonly longestPauseMillis?: number;
}

/**
 * Goes down after some failures in a row (default 3). While down one call is let through at a time, after a pause that doubles
 * from 1 s to 30 s, less up to a third at random so that many processes do not probe together.
 */
export function createBreaker(options: BreakerOptions): Breaker {
  const { onChange, failuresAllowed = 3, firstPauseMillis = 1_000, longestPauseMillis = 30_000 } = options;
  let state: RedisState = "idle";
  let failures = 0;
  let probesFailed = 0;
  let retryAt = 0;
  let isProbing = false;
  // Failures of calls that began before the last change are old news.
  let generation = 0;

  function change(to: "up" | "down", reason: string): void {
    if (state === to) return;
    state = to;
    generation += 1;
    onChange(to, reason);
  }

  function pause(): void {
    const full = Math.min(firstPauseMillis * 2 ** probesFailed, longestPauseMillis);
    retryAt = performance.now() + full * (1 - Math.random() / 3);
  }

  function succeeded(): void {
    failures = 0;
    probesFailed = 0;
    change("up", "");
  }

  function admitted(): Admission {
    const since = generation;
    return {
      succeeded,
      failed(reason) {
        if (since !== generation) return;
        failures += 1;
        if (failures < failuresAllowed) return;
        probesFailed = 0;
        pause();
        change("down", reason);
      },
    };
  }

  function probe(): Admission {
    isProbing = true;
    return {
      succeeded() {
        isProbing = false;
        succeeded();
      },
      failed() {
        isProbing = false;
        probesFailed += 1;
        pause();
      },
    };
  }

  return {
    get state() {
      return state;
    },
    enter(urgency) {
      if (state !== "down") return admitted();
      if (urgency !== "urgent" && (isProbing || performance.now() < retryAt)) return undefined;
      return probe();
    },
  };
}
