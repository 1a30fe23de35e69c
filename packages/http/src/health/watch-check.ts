import type { CheckResult, HealthCheck, HealthStatus, HealthVerdict, WatchedCheck } from "./health-check.ts";
import { codeOf, isReasonCode } from "./reason-code.ts";

/**
 * Makes a check cheap to ask for: a result holds for a moment, whoever asks while it is being made shares it, and a check that
 * hangs costs its deadline once. It is not begun again while it hangs, but for once a minute, when it is taken for lost.
 */
export function watchCheck(check: HealthCheck): WatchedCheck {
  const { name, required = true, timeoutMillis = 800, cacheMillis = 1000 } = check;
  let last: CheckResult | undefined;
  let lastAt = 0;
  let running: Promise<CheckResult> | undefined;
  /** When the check began that has not come back since its deadline. */
  let hangingSince: number | undefined;

  function begin(): Promise<CheckResult> {
    const began = performance.now();
    const controller = new AbortController();
    const finish = ({ status, reason }: HealthVerdict, error?: unknown): CheckResult => {
      const durationMillis = Math.round((performance.now() - began) * 10) / 10;
      const report = { status, required, durationMillis, ...(reason === undefined ? {} : { reason }) };
      running = undefined;
      last = { report, error };
      lastAt = performance.now();
      return last;
    };
    return new Promise((resolve) => {
      let isLate = false;
      const deadline = setTimeout(() => {
        isLate = true;
        hangingSince = began;
        const error = new DOMException(`the check took longer than ${timeoutMillis} ms`, "TimeoutError");
        resolve(finish({ status: "unhealthy", reason: "timeout" }, error));
        controller.abort(error);
      }, timeoutMillis);
      const end = (verdict: HealthVerdict, error?: unknown): void => {
        clearTimeout(deadline);
        // The answer has been given, but it is known now that the check does not hang for ever.
        if (isLate) hangingSince = hangingSince === began ? undefined : hangingSince;
        else resolve(finish(verdict, error));
      };
      attempt(check, controller.signal).then(end, (error: unknown) =>
        end({ status: "unhealthy", reason: codeOf(error) }, error),
      );
    });
  }

  return {
    name,
    required,
    result() {
      if (running !== undefined) return running;
      const now = performance.now();
      const isHanging = hangingSince !== undefined && now - hangingSince < lostMillis;
      if (last !== undefined && (isHanging || now - lastAt < cacheMillis)) return Promise.resolve(last);
      running = begin();
      return running;
    },
  };
}

/** A connection that went away without a word can hang for ever. */
const lostMillis = 60_000;

/** What throws instead of rejecting, or when it is read, rejects too. */
async function attempt(check: HealthCheck, signal: AbortSignal): Promise<HealthVerdict> {
  return verdictOf(await check.check(signal));
}

function verdictOf(given: unknown): HealthVerdict {
  if (given === false) return { status: "unhealthy", reason: "failed" };
  if (given instanceof Response && !given.ok) return { status: "unhealthy", reason: `http_${given.status}` };
  if (typeof given !== "object" || given === null || !("status" in given) || !isStatus(given.status)) {
    return { status: "healthy" };
  }
  const { status } = given;
  if (status === "healthy") return { status };
  const reason: unknown = "reason" in given ? given.reason : undefined;
  return { status, reason: isReasonCode(reason) ? reason : "failed" };
}

function isStatus(value: unknown): value is HealthStatus {
  return value === "healthy" || value === "degraded" || value === "unhealthy";
}
