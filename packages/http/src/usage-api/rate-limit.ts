import { refusal } from "./problem.ts";

/** Allowances that fill up over time, one for each who asks. */
export interface RateLimit {
  /** Seconds to wait; 0 when one was taken. */
  take(who: string): number;
}

/**
 * As many requests at once as a minute allows, and then as many as come free.
 * @param perMinute 0: no limit.
 * @param now Milliseconds that never go back.
 */
export function createRateLimit(perMinute: number, now: () => number = () => performance.now()): RateLimit {
  if (perMinute === 0) return { take: () => 0 };
  const perMilli = perMinute / 60_000;
  const allowances = new Map<string, { left: number; at: number }>();
  return {
    take(who) {
      const at = now();
      const before = allowances.get(who);
      const left = before === undefined ? perMinute : Math.min(perMinute, before.left + (at - before.at) * perMilli);
      // Set anew, it is the youngest: the map's first is the one that has not asked for longest.
      allowances.delete(who);
      if (allowances.size >= most) forgetOldest(allowances);
      allowances.set(who, { left: left < 1 ? left : left - 1, at });
      return left < 1 ? Math.ceil((1 - left) / perMilli / 1000) : 0;
    },
  };
}

/** @throws Refusal 429 that says when to come again. */
export function takeOne(rateLimit: RateLimit, who: string): void {
  const seconds = rateLimit.take(who);
  if (seconds === 0) return;
  throw refusal(429, { message: `too many requests: come again in ${seconds} s` }, { "retry-after": String(seconds) });
}

function forgetOldest(allowances: Map<string, unknown>): void {
  const [oldest] = allowances.keys();
  if (oldest !== undefined) allowances.delete(oldest);
}

/** About a megabyte. */
const most = 10_000;
