/**
 * A process with a ledger that writes events at a steady pace until it is told to finish or is killed. Its argument is a
 * {@link ChaosPlan} in JSON. It tells its parent how far it is, and at the end what it counted.
 */
import { diag, DiagLogLevel, metrics } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { setTimeout as sleep } from "node:timers/promises";
import { createCounterSync } from "../../src/redis/counter-sync.ts";
import { createHotCounters } from "../../src/redis/hot-counters.ts";
import { createLedger, type LedgerStatus } from "../../src/ledger.ts";
import type { LedgerStore } from "../../src/ledger-store.ts";
import { connectRedis } from "../../src/redis/redis-client.ts";
import { openSpool } from "../../src/spool/spool.ts";
import { sqliteStore } from "../../src/sqlite/sqlite-store.ts";
import { eventsOf, type EventSeries } from "./chaos-events.ts";
import { readMeters } from "./chaos-meters.ts";

export interface ChaosPlan {
  readonly store: StorePlan;
  readonly spool?: { readonly directory: string; readonly maxBytes?: number };
  readonly redisUrl?: string;
  readonly appendTimeoutMillis?: number;
  readonly queueLimit?: number;
  /** Of this process alone. */
  readonly own: EventSeries;
  /** Written by other processes too. */
  readonly shared?: EventSeries | undefined;
  /** Of each series, every 10 ms. */
  readonly perTick: number;
  /** Numbers of each series; then it only waits. Default: no end. */
  readonly last?: number;
  /** Flushes within so many milliseconds, again and again, as an application may. */
  readonly flushMillis?: number;
}

export type StorePlan =
  | { readonly kind: "postgresql"; readonly url: string; readonly timeoutMillis: number }
  | { readonly kind: "sqlite"; readonly file: string; readonly busyTimeoutMillis?: number };

export type ChaosMessage =
  /** Numbers of each series whose events the ledger has taken, and noted as taken. */
  | { readonly what: "written"; readonly numbers: number }
  /** On diag. */
  | { readonly what: "told"; readonly message: string }
  | { readonly what: "finished"; readonly report: ChaosReport };

export interface ChaosReport {
  readonly numbers: number;
  /** Given to `write()`. */
  readonly events: number;
  readonly status: LedgerStatus;
  /** By name, for `meterbridge.ledger.events` by outcome: `meterbridge.ledger.events lost`. */
  readonly meters: Readonly<Record<string, number>>;
  readonly told: readonly string[];
}

/** Loaded by need: a child that keeps its ledger in SQLite has no use for `pg`. */
export async function storeOf(plan: StorePlan): Promise<LedgerStore> {
  if (plan.kind === "sqlite") {
    const { file, busyTimeoutMillis = 5_000 } = plan;
    return sqliteStore({ file, busyTimeoutMillis });
  }
  const { postgresqlStore } = await import("../../src/postgresql.ts");
  return postgresqlStore({ url: plan.url, timeoutMillis: plan.timeoutMillis });
}

async function run(plan: ChaosPlan): Promise<void> {
  const told: string[] = [];
  const tell = (message: string): void => {
    told.push(message);
    send({ what: "told", message });
  };
  diag.setLogger(
    { error: tell, warn: tell, info: () => {}, debug: () => {}, verbose: () => {} },
    { logLevel: DiagLogLevel.WARN },
  );
  const reader = new PeriodicExportingMetricReader({
    exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
    exportIntervalMillis: 3_600_000,
  });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  const store = await storeOf(plan.store);
  const redis = plan.redisUrl === undefined ? undefined : connectRedis({ url: plan.redisUrl });
  const counters =
    redis === undefined
      ? undefined
      : createCounterSync({ store, counters: createHotCounters({ redis, store, epoch: "chaos" }), intervalMillis: 50 });
  const ledger = createLedger({
    store,
    counters,
    spool: plan.spool && openSpool(plan.spool),
    appendTimeoutMillis: plan.appendTimeoutMillis,
    queueLimit: plan.queueLimit,
  });
  let numbers = 0;
  let events = 0;
  const ticks = setInterval(() => {
    for (let count = 0; count < plan.perTick && numbers < (plan.last ?? Infinity); count++) {
      for (const series of [plan.own, plan.shared]) {
        for (const event of series === undefined ? [] : eventsOf(series, numbers)) {
          ledger.write(event);
          events += 1;
        }
      }
      numbers += 1;
    }
    // After the turn, at whose end the ledger notes what it has taken.
    setImmediate(() => send({ what: "written", numbers }));
  }, 10);
  const { flushMillis } = plan;
  const flushes =
    flushMillis === undefined ? undefined : setInterval(() => void ledger.flush(flushMillis), 4 * flushMillis);

  process.on("message", () => void finish());

  async function finish(): Promise<void> {
    clearInterval(ticks);
    clearInterval(flushes);
    for (let status = ledger.status(); status.queued > 0 || status.waiting > 0; status = ledger.status())
      await sleep(20);
    await ledger.close(10_000);
    redis?.close();
    const meters = await readMeters(reader);
    send({ what: "finished", report: { numbers, events, status: ledger.status(), meters, told } });
    process.disconnect();
  }
}

function send(message: ChaosMessage): void {
  process.send?.(message);
}

const [, script, plan] = process.argv;
if (script === import.meta.filename && plan !== undefined) void run(JSON.parse(plan) as ChaosPlan);
