import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished } from "vitest";
import { until } from "../../../../test/support/servers.ts";
import { audit } from "../../src/proof/audit.ts";
import { createHotCounters } from "../../src/redis/hot-counters.ts";
import { totalsFromStore } from "../../src/redis/hot-counter-totals.ts";
import type { LedgerStore } from "../../src/ledger-store.ts";
import { connectRedis } from "../../src/redis/redis-client.ts";
import { addUp, type ExpectedSums } from "./chaos-events.ts";
import type { ChaosMessage, ChaosPlan, ChaosReport } from "./chaos-process.ts";

export interface ChaosWriter {
  readonly child: ChildProcess;
  /** Numbers of each series that its ledger has taken so far, at least. */
  numbers(): number;
  /** What it has said on diag. */
  told(): readonly string[];
  /** Resolves when it has taken so many more. */
  more(numbers: number): Promise<void>;
  /** Has it end in order, after everything has reached the store. */
  finish(): Promise<ChaosReport>;
  /** By SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts `chaos-process.ts`, which ends with the test at the latest. */
export function startWriter(plan: ChaosPlan): ChaosWriter {
  const child = fork(path.join(import.meta.dirname, "chaos-process.ts"), [JSON.stringify(plan)], {
    execArgv: ["--conditions=@meterbridge/source", "--no-warnings"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  let numbers = 0;
  const told: string[] = [];
  let report: ChaosReport | undefined;
  let isGone = false;
  const gone = new Promise<void>((resolve) => {
    child.once("close", () => {
      isGone = true;
      resolve();
    });
  });
  child.on("message", (message: ChaosMessage) => {
    if (message.what === "written") numbers = message.numbers;
    else if (message.what === "told") told.push(message.message);
    else report = message.report;
  });
  async function kill(): Promise<void> {
    child.kill("SIGCONT");
    child.kill("SIGKILL");
    await gone;
  }
  onTestFinished(kill);
  return {
    child,
    numbers: () => numbers,
    told: () => told,
    async more(count) {
      const goal = numbers + count;
      await until(() => numbers >= goal || isGone, "the writer to go on", 60);
      expect(isGone, "the writer has ended").toBe(false);
    },
    async finish() {
      child.send("finish");
      await until(() => report !== undefined || isGone, "the writer to bring everything to the store", 60);
      if (report === undefined) throw new Error("the writer ended without a report");
      await gone;
      return report;
    },
    kill,
  };
}

/** A directory that is gone after the test. */
export async function chaosDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "meterbridge-chaos-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/** What the plans' events add up to: events of a shared series once. */
export function expectedOf(
  plans: readonly ChaosPlan[],
  reports: readonly { readonly numbers: number }[],
): ExpectedSums {
  const furthest = Math.max(...reports.map(({ numbers }) => numbers));
  const [shared] = plans.flatMap((plan) => plan.shared ?? []);
  const sums = shared === undefined ? undefined : addUp(shared, furthest);
  return plans.reduce((into, { own }, index) => addUp(own, reports[index]?.numbers ?? 0, into), sums)!;
}

/** The window that holds all events of the tests. */
export function wholeWindow(): { readonly from: Date; readonly to: Date } {
  const day = 86_400_000;
  const today = Math.floor(Date.now() / day) * day;
  return { from: new Date(today - 70 * day), to: new Date(today + 2 * day) };
}

/** Rows, rollups and counters tell the same, and what they tell is what was written. */
export async function expectExactLedger(store: LedgerStore, expected: ExpectedSums, redisUrl?: string): Promise<void> {
  const { from, to } = wholeWindow();
  const [found] = await store.sums({ boundaries: [from.getTime(), to.getTime()] });
  const { records, ...sums } = found?.sums ?? { records: 0 };
  expect({ records, sums }).toMatchObject({ records: expected.events, sums: expected });
  const redis = redisUrl === undefined ? undefined : connectRedis({ url: redisUrl });
  try {
    const counters = redis && createHotCounters({ redis, store, epoch: "chaos" });
    const { clean, differences, checked } = await audit(store, { from, to, ...(counters && { counters }) });
    expect(differences).toEqual([]);
    expect({ clean, rows: checked.rows }).toEqual({ clean: true, rows: expected.events });
    if (counters === undefined) return;
    expect(checked.counters).toBe(4);
    const employees = [null, "employee-0", "employee-1", "employee-2", "employee-3"];
    for (const tenant of await store.tenants()) {
      for (const employee of employees) {
        const owner = { tenant, employee };
        const { totals, isKnown } = await totalsFromStore(store, owner);
        if (!isKnown) continue;
        expect(await counters.read(tenant, employee), JSON.stringify(owner)).toEqual({ ...totals, source: "redis" });
      }
    }
  } finally {
    redis?.close();
  }
}

/** Of a process that ended in order: its meters add up to what it was given, and say the same as its status. */
export function expectExactMeters({ events, status, meters, told }: ChaosReport, lost = 0): void {
  const of = (outcome: string): number => meters[`meterbridge.ledger.events ${outcome}`] ?? 0;
  const { written, duplicates, expired, refused, spooled, replayed } = status;
  const facts = { told, status, meters };
  expect({ lost: status.lost, state: status.state, queued: status.queued }, JSON.stringify(facts)).toEqual({
    lost,
    state: "closed",
    queued: 0,
  });
  expect({
    written: of("written"),
    duplicates: of("duplicate"),
    expired: of("expired"),
    refused: of("refused"),
    lost: of("lost"),
    spooled: meters["meterbridge.ledger.spooled"] ?? 0,
    replayed: meters["meterbridge.ledger.replayed"] ?? 0,
    waiting: meters["meterbridge.ledger.waiting"],
  }).toEqual({ written, duplicates, expired, refused, lost, spooled, replayed, waiting: 0 });
  // What was sent twice, because nobody knew whether it had arrived, is a duplicate as well.
  expect(written + duplicates + lost).toBeGreaterThanOrEqual(events);
}
