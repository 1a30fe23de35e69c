import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { audit, sqliteStore, usageQueries } from "@meterbridge/ledger";
import { findUsageDifferences, type Sent } from "./audit.ts";
import type { Summary } from "./summary.ts";

/** Where the service keeps its ledger. */
export interface LedgerPlace {
  readonly directory: string;
  /** Whether an earlier run wrote there too: then its totals are not this run's. */
  readonly isShared: boolean;
  remove(): Promise<void>;
}

/** What the ledger kept, as its own queries tell it. Money is USD in decimal digits. */
export interface Kept {
  readonly calls: number;
  readonly tasks: number;
  readonly toolCalls: number;
  readonly tokens: number;
  readonly costUsd: string;
  readonly unpriced: number;
  /** Where the ledger disagrees with itself, with the meters or with what was sent. Empty when all agree. */
  readonly differences: readonly string[];
}

/** The directory that the environment names, else one of the demo's own; undefined where the environment wants no SQLite. */
export async function ledgerPlace(environment: NodeJS.ProcessEnv): Promise<LedgerPlace | undefined> {
  if ((environment["METERBRIDGE_LEDGER"] || "sqlite") !== "sqlite") return undefined;
  const named = environment["METERBRIDGE_LEDGER_DIRECTORY"];
  if (named) {
    const directory = path.resolve(named);
    return { directory, isShared: existsSync(path.join(directory, "ledger.sqlite")), remove: async () => {} };
  }
  const directory = await mkdtemp(path.join(tmpdir(), "meterbridge-demo-"));
  return { directory, isShared: false, remove: () => rm(directory, { recursive: true, force: true }) };
}

/** Reads the ledger of a service that has ended, and audits it. */
export async function readLedger(place: LedgerPlace, sent: Sent, metered: Summary | undefined): Promise<Kept> {
  const store = sqliteStore({ file: path.join(place.directory, "ledger.sqlite") });
  try {
    // The demo may run over midnight.
    const day = 86_400_000;
    const from = new Date(Math.floor(Date.now() / day) * day - day);
    const window = { from, to: new Date(from.getTime() + 2 * day) };
    const queries = usageQueries(store);
    const { calls, tasks, toolCalls, tokens, costUsd, unpriced } = await queries.summary(window);
    const { differences } = await audit(store, { ...window, ...(!place.isShared && { meters: totalsOf(metered) }) });
    const models = (await queries.byModel(window)).map((row) => ({
      model: row.model ?? "",
      calls: row.calls,
      failed: row.calls - Math.round(row.calls * (row.successRate ?? 1)),
      inputTokens: row.tokens.input,
      outputTokens: row.tokens.output,
    }));
    const unlikeSent = place.isShared ? [] : findUsageDifferences(sent, { models, tasks }, "kept");
    return {
      calls,
      tasks,
      toolCalls,
      tokens: tokens.total,
      costUsd,
      unpriced,
      differences: [...differences.map(({ what }) => what), ...unlikeSent],
    };
  } finally {
    await store.close();
  }
}

function totalsOf(metered: Summary | undefined) {
  return (metered?.models ?? []).map(({ model, calls, inputTokens, outputTokens, costUsd, unpriced }) => {
    return { model, calls, inputTokens, outputTokens, costUsd, unpriced };
  });
}
