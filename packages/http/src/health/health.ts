import { type Mountable, mountable } from "../mountable.ts";
import { createHealthAnswer } from "./health-answer.ts";
import type { CheckReport, HealthCheck, HealthStatus } from "./health-check.ts";
import { checkHealthOptions } from "./health-options.ts";
import { sdkReports } from "./sdk-reports.ts";
import { tellChanges } from "./tell-changes.ts";
import { watchCheck } from "./watch-check.ts";

export interface HealthOptions {
  /** The dependencies to look at, besides the SDK's own. Default none. */
  readonly checks?: readonly HealthCheck[];
  /** Where it is mounted, for servers that leave the path whole (Fastify, Hono, node:http). Default `"/health"`. */
  readonly basePath?: string;
  /** Whether the application is not ready before it says so by `started()`. Default false: it is ready as soon as it answers. */
  readonly starting?: boolean;
  /** Look at the exporters and the ledger of the SDK that runs in this process. Neither is required. Default true. */
  readonly sdkChecks?: boolean;
  /** Is told each change of a dependency, with the error, which is shown nowhere else. What it throws is ignored. */
  readonly onChange?: (change: HealthChange) => void;
}

export interface HealthChange {
  readonly name: string;
  readonly status: HealthStatus;
  /** What the check rejected with, or the deadline's error. */
  readonly error: unknown;
}

/**
 * Answers probes, wherever it is mounted:
 *
 * - `/` or `/health` (and `/healthz`): every dependency, 200 when healthy or degraded, 503 when unhealthy.
 * - `/ready` (`/readyz`): 200 or, with the reason, 503: starting, draining, or something required is unhealthy.
 * - `/live` (`/livez`): 200, without looking at anything.
 */
export interface Health extends Mountable {
  readonly state: HealthState;
  /** The application can serve now. */
  started(): void;
  /** The application is about to end: not ready from now on. `orderlyShutdown()` says it by itself. */
  draining(): void;
  /** What `/health` answers. Never rejects, and takes no longer than the longest deadline of a check. */
  report(): Promise<HealthReport>;
  /** What `/ready` answers. Never rejects. */
  readiness(): Promise<Readiness>;
}

export type HealthState = "starting" | "ready" | "draining";

export interface HealthReport {
  /** Unhealthy when something required is; degraded when anything else is not healthy. */
  readonly status: HealthStatus;
  readonly state: HealthState;
  /** How long this answer took, in milliseconds: the checks are made at once. */
  readonly durationMillis: number;
  readonly checks: Readonly<Record<string, CheckReport>>;
}

export interface Readiness {
  readonly ready: boolean;
  readonly reason?: "starting" | "draining" | "unhealthy";
  /** What is required and unhealthy, and the code that says why. */
  readonly checks?: Readonly<Record<string, string>>;
}

/**
 * Makes the answers to probes.
 *
 * A result of a check holds for a second, and whoever asks meanwhile shares it, so that a storm of probes costs one look. A check
 * that hangs is unhealthy at its deadline. Answers hold names and codes: no messages, versions or addresses.
 *
 * @throws Error of one line when an option is wrong.
 */
export function health(options: HealthOptions = {}): Health {
  const {
    checks = [],
    basePath = "/health",
    starting = false,
    sdkChecks = true,
    onChange,
  } = checkHealthOptions(options);
  const tell = tellChanges(onChange);
  const watched = checks.map(watchCheck);
  let state: HealthState = starting ? "starting" : "ready";

  async function reportsOf(those: typeof watched): Promise<Record<string, CheckReport>> {
    const results = those.map(async (check): Promise<[string, CheckReport]> => {
      const result = await check.result();
      tell(check.name, result);
      return [check.name, result.report];
    });
    return Object.fromEntries(await Promise.all(results));
  }

  async function report(): Promise<HealthReport> {
    const began = performance.now();
    // A check of the application's own goes before ours of the same name.
    const reports = { ...(sdkChecks ? sdkReports() : {}), ...(await reportsOf(watched)) };
    const durationMillis = Math.round((performance.now() - began) * 10) / 10;
    return { status: overall(Object.values(reports)), state, durationMillis, checks: reports };
  }

  async function readiness(): Promise<Readiness> {
    if (state !== "ready") return { ready: false, reason: state };
    const reports = await reportsOf(watched.filter(({ required }) => required));
    // It may have begun to drain meanwhile.
    if (state !== "ready") return { ready: false, reason: state };
    const unhealthy = Object.entries(reports).filter(([, { status }]) => status === "unhealthy");
    if (unhealthy.length === 0) return { ready: true };
    const reasons = unhealthy.map(([name, { reason = "failed" }]) => [name, reason]);
    return { ready: false, reason: "unhealthy", checks: Object.fromEntries(reasons) };
  }

  return {
    ...mountable(createHealthAnswer(basePath, { report, readiness })),
    get state() {
      return state;
    },
    started() {
      if (state === "starting") state = "ready";
    },
    draining() {
      state = "draining";
    },
    report,
    readiness,
  };
}

function overall(reports: readonly CheckReport[]): HealthStatus {
  if (reports.some(({ status, required }) => required && status === "unhealthy")) return "unhealthy";
  return reports.every(({ status }) => status === "healthy") ? "healthy" : "degraded";
}
