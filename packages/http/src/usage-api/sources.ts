import type { UsageQueries } from "@meterbridge/ledger";
import { diag } from "@opentelemetry/api";
import { runningSdk, type MeterReading, type RunningExporter, type RunningSdk } from "../running-sdk.ts";
import { refusal, refusedWith, wrongParameter, type Refusal } from "./problem.ts";

/** Where figures come from. What each rejects with is a refusal, without a word of what is inside. */
export interface Sources {
  /** Every meter's sums since the process began. */
  meters(): Promise<readonly MeterReading[]>;
  /** Whether there is a ledger. */
  hasLedger(): boolean;
  /** What the ledger answers. 501 where there is none, 400 where the question was wrong, 503 where it cannot tell now. */
  ledger<Result>(ask: (queries: UsageQueries) => Promise<Result>): Promise<Result>;
  /** The Prometheus exporter's door, or undefined where it does not run. */
  prometheus(): ((request: Request) => Promise<Response>) | undefined;
}

export function createSources(timeoutMillis: number): Sources {
  const trouble = new Set<string>();
  let collecting: Promise<readonly MeterReading[]> | undefined;

  /** A fault is told once until it is over, with what only the log may hold. */
  async function watched<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    try {
      const result = await inTime(work(), timeoutMillis);
      trouble.delete(what);
      return result;
    } catch (error) {
      const wrong = refusedWith(error) === undefined ? questionProblem(error) : (error as Refusal);
      if (wrong !== undefined) throw wrong;
      if (!trouble.has(what)) diag.error(`[meterbridge] [http] usageApi(): ${what} cannot be read: ${reasonOf(error)}`);
      trouble.add(what);
      throw unavailable(`${what} cannot be read at present`);
    }
  }

  return {
    async meters() {
      const sdk = sdkOrRefuse();
      return await watched("the meters", async () => {
        // Who asks while it is collected gets the same.
        collecting ??= sdk.collect().finally(() => (collecting = undefined));
        return await collecting;
      });
    },
    hasLedger() {
      const queries = runningSdk()?.usageQueries();
      // Who reads them is told.
      queries?.catch(() => {});
      return queries !== undefined;
    },
    async ledger(ask) {
      const sdk = sdkOrRefuse();
      return await watched("the ledger", async () => {
        const queries = await (sdk.usageQueries() ?? Promise.reject(noLedger()));
        return await ask(queries);
      });
    },
    prometheus() {
      const found = runningSdk()?.exporters.find((exporter) => isPrometheus(exporter));
      return found?.fetchHandler?.();
    },
  };
}

function isPrometheus(exporter: RunningExporter): boolean {
  return exporter.name === "prometheus" && exporter.fetchHandler !== undefined;
}

function sdkOrRefuse(): RunningSdk {
  const sdk = runningSdk();
  if (sdk === undefined) throw unavailable("Meterbridge is not running in this process: call start(), or preload it");
  return sdk;
}

function noLedger(): Refusal {
  return refusal(501, {
    message:
      "no ledger is kept in this process, so that only live figures are there: install @meterbridge/ledger, and do not set " +
      "METERBRIDGE_LEDGER=off",
  });
}

function unavailable(message: string): Refusal {
  return refusal(503, { message }, { "retry-after": "5" });
}

/** A question the ledger does not take, told by its brand: its package may be there twice, and is loaded by nobody here. */
function questionProblem(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || (error as { [queryError]?: unknown })[queryError] !== true) return undefined;
  const text = error.message.replace("[meterbridge] [ledger] ", "");
  const [, message = text] = /^\w+: (.*)$/s.exec(text) ?? [];
  const [, parameter] = /^(from|to|days|cursor|tenant) /.exec(message) ?? [];
  const [, allowed = message] = /must be (.+?)(?:, found |: |$)/s.exec(message) ?? [];
  return parameter === undefined ? refusal(400, { message }) : wrongParameter(parameter, message, allowed);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : typeof error;
}

async function inTime<Result>(work: Promise<Result>, timeoutMillis: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMillis} ms`)), timeoutMillis);
  });
  // Whichever comes second is nobody's affair any more.
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const queryError: unique symbol = Symbol.for("meterbridge.ledger.query.error");
