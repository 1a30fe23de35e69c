import { type Attribution, defineMeters } from "@meterbridge/core";
import { diag } from "@opentelemetry/api";

/** Asks the application on whose behalf a request is. Gives a promise where the application does; neither throws nor rejects. */
export type AskAttribution<Asked> = (asked: Asked) => Attribution | Promise<Attribution>;

/** Makes the application's callback harmless: what it throws, and when it hangs, costs the attribution and not the request. */
export function createAskAttribution<Asked>(
  callback: ((asked: Asked) => unknown) | undefined,
  timeoutMillis: number,
): AskAttribution<Asked> {
  if (callback === undefined) return () => nobody;
  const report = createReport(timeoutMillis);

  function usable(given: unknown): Attribution {
    if (given === undefined || given === null) return nobody;
    if (typeof given !== "object") {
      report("unusable", `it gave a ${typeof given}, not an object such as { tenant: "acme" }`);
      return nobody;
    }
    try {
      // Read once, here, where what a getter throws is caught.
      const { tenant, employee, project, process, execution, user } = given as Attribution;
      return { tenant, employee, project, process, execution, user };
    } catch (error) {
      return failed(error);
    }
  }

  function failed(error: unknown): Attribution {
    report("threw", error instanceof Error ? `it threw ${error.name}: ${error.message}` : "it threw what is no error");
    return nobody;
  }

  async function inTime(promise: PromiseLike<unknown>): Promise<Attribution> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Attribution>((resolve) => {
      timer = setTimeout(() => {
        report("late", `it gave nothing within ${timeoutMillis} ms`);
        resolve(nobody);
      }, timeoutMillis);
    });
    try {
      return await Promise.race([late, Promise.resolve(promise).then(usable, failed)]);
    } finally {
      clearTimeout(timer);
    }
  }

  return (asked) => {
    try {
      const given = callback(asked);
      return isPromise(given) ? inTime(given) : usable(given);
    } catch (error) {
      return failed(error);
    }
  };
}

const nobody: Attribution = Object.freeze({});
const reasons = ["threw", "late", "unusable"] as const;

/** Each kind is told once: a callback that fails for one request mostly fails for all. */
function createReport(timeoutMillis: number): (reason: (typeof reasons)[number], what: string) => void {
  const { failures } = defineMeters({
    failures: {
      name: "meterbridge.http.attribution.failures",
      instrument: "counter",
      unit: "{request}",
      description: "Requests whose attribution the application's callback could not give",
      attributes: { reason: reasons },
    },
  });
  const told = new Set<string>();
  return (reason, what) => {
    failures.add(1, { reason });
    if (told.has(reason)) return;
    told.add(reason);
    try {
      const advice = reason === "late" ? `; option "attributionTimeoutMillis" is ${timeoutMillis}` : "";
      diag.warn(
        `[meterbridge] [http] the callback "attribution" failed, the request goes on without: ${what}${advice} (told once)`,
      );
    } catch {
      // Nobody is left to tell.
    }
  };
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
