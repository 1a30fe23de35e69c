import { pathToFileURL } from "node:url";
import type { DiagLogger } from "@opentelemetry/api";
import { addUsageSink, type UsageEvent, type UsageSink } from "@meterbridge/core";
import { asOwnTraffic } from "./database-own-traffic.ts";
import { findPackage, loadPackage, searchDirectories } from "./load-package.ts";
import type { Pipeline } from "./pipeline.ts";
import type { Settings } from "./settings.ts";

/** What `start()` needs of a ledger: `createLedger()` and `openLedger()` of `@meterbridge/ledger` give one. */
export interface UsageLedger {
  write(event: UsageEvent): void;
  seen?(user: string, occurredAt: Date, tenant: string | null): void;
  flush(timeoutMillis: number): Promise<boolean>;
  close(timeoutMillis: number): Promise<void>;
  /** Brings what is in memory to where it is durable at once, blocking: after it a signal ends the process. */
  keepNow?(): void;
  /** For the status line: what it is and where. */
  readonly description?: string;
  /** The store, which queries read. */
  readonly store?: object;
  /** Has the store opened, where that waits for the first event. */
  open?(): void;
  status?(): { readonly state: string; readonly queued: number; readonly waiting: number } | undefined;
}

/** How the ledger is doing, for health answers: no names, no paths, no texts of errors. */
export interface LedgerReading {
  /** `idle`: nothing was written yet, so that nothing was opened. */
  readonly state: "idle" | "opening" | "ready" | "down" | "closed";
  /** Events that are in memory or in the spool, and not yet in the store. */
  readonly waiting: number;
}

export interface RunningLedger {
  readonly pipelines: readonly Pipeline[];
  /** For the status line; nothing when there is no ledger. */
  readonly summary: readonly string[];
  /** Before a signal ends the process: calls went on while exporters were waited for. */
  keepNow(): void;
  /** `usageQueries()` over its store; undefined where there is none. */
  usageQueries(): Promise<object> | undefined;
  status(): LedgerReading | undefined;
  /** Takes it out of core again. */
  unregister(): void;
  /** The same, and ends it without waiting, after a start that failed. */
  end(): void;
}

/**
 * Has the ledger keep every usage event: the one given, or one opened by its package as the settings say. Where nothing is said
 * and the package is installed, that is SQLite.
 *
 * @throws Error of one line when the package is asked for and not installed, or refuses its configuration.
 */
export function startLedger(settings: Settings, logger: DiagLogger): RunningLedger {
  const ledger = asOwnTraffic(() => (typeof settings.ledger === "object" ? settings.ledger : openByName(settings)));
  if (ledger === undefined) return noLedger;
  // SQLite is asked in a thread of its own.
  const isElsewhere = typeof settings.ledger !== "object" && settings.ledger !== "postgresql";
  return keepIn(ledger, isElsewhere && settings.ledgerCounters === undefined ? ledger : apart(ledger), logger);
}

function keepIn(ledger: UsageLedger, sink: UsageSink, logger: DiagLogger): RunningLedger {
  const removeSink = addUsageSink(sink);
  let queries: Promise<object> | undefined;
  function load(store: object): Promise<object> {
    const loading = queriesOf(ledger, store);
    // The next who asks tries again.
    loading.catch(() => (queries = undefined));
    return loading;
  }
  async function flush(timeoutMillis: number): Promise<void> {
    if (!(await ledger.flush(timeoutMillis))) logger.warn("[ledger] not all usage events could be kept in time");
  }
  return {
    pipelines: [
      {
        name: "ledger",
        forceFlush: flush,
        async shutdown(timeoutMillis) {
          await ledger.close(timeoutMillis);
        },
      },
    ],
    summary: [`ledger ${ledger.description ?? "given"}`],
    keepNow: () => ledger.keepNow?.(),
    usageQueries: () => (ledger.store === undefined ? undefined : (queries ??= load(ledger.store))),
    status: () => statusOf(ledger),
    unregister: removeSink,
    end() {
      removeSink();
      void ledger.close(1);
    },
  };
}

/** What it asks of databases, then or later, for an event that it is handed is not what the application asked for. */
function apart(ledger: UsageLedger): UsageSink {
  const { seen } = ledger;
  return {
    write: (event) => asOwnTraffic(() => ledger.write(event)),
    ...(seen === undefined ? {} : { seen: (...given) => asOwnTraffic(() => seen.apply(ledger, given)) }),
  };
}

interface LedgerModule {
  openLedger(options: object): UsageLedger;
}

function openByName(settings: Settings): UsageLedger | undefined {
  const { ledger, ledgerFrom } = settings;
  if (ledger === "off") return undefined;
  const file = findPackage(entry, searchDirectories());
  if (file === undefined) {
    if (ledger === undefined) return undefined;
    throw new Error(
      `[meterbridge] ${ledgerFrom} asks for a ledger, which is ${packageName}, and it is not installed: ` +
        `run npm install ${packageName}`,
    );
  }
  const { openLedger } = loadPackage<LedgerModule>(entry, file, "ledger package");
  if (typeof openLedger !== "function") {
    throw new Error(`[meterbridge] ${entry} exports no function openLedger (loaded ${file})`);
  }
  return openLedger({
    store: ledger,
    directory: settings.ledgerDirectory,
    retentionMonths: settings.ledgerRetentionMonths,
    counters: settings.ledgerCounters,
    // Nobody asked: then a process that measures nothing leaves no file behind.
    opens: ledger === undefined ? "when-used" : "now",
  });
}

/** Loaded without waiting in line: queries and their calendar take longer to load than all the rest. */
async function queriesOf(ledger: UsageLedger, store: object): Promise<object> {
  const file = findPackage(packageName, searchDirectories());
  if (file === undefined) throw new Error(`[meterbridge] queries need ${packageName}: run npm install ${packageName}`);
  const { usageQueries } = (await import(pathToFileURL(file).href)) as Partial<QueriesModule>;
  if (typeof usageQueries !== "function") throw new Error(`[meterbridge] ${file} exports no function usageQueries`);
  ledger.open?.();
  return usageQueries(store);
}

interface QueriesModule {
  usageQueries(store: object): object;
}

function statusOf(ledger: UsageLedger): LedgerReading | undefined {
  if (ledger.status === undefined) return undefined;
  const known = ledger.status();
  if (known === undefined) return { state: "idle", waiting: 0 };
  return { state: known.state as LedgerReading["state"], waiting: known.queued + known.waiting };
}

function nothing(): void {}

const noLedger: RunningLedger = {
  pipelines: [],
  summary: [],
  keepNow: nothing,
  usageQueries: () => undefined,
  status: () => undefined,
  unregister: nothing,
  end: nothing,
};

const packageName = "@meterbridge/ledger";
/** Without the queries and the proof tools, which would double the time to load it. */
const entry = `${packageName}/open-ledger`;
