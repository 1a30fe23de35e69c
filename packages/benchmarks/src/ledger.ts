import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { queryNames } from "./ledger-queries.ts";
import { measureContention, measureDurable, measureQueries, measureWrite } from "./ledger-cells.ts";
import { startPostgresql, startRedis } from "./ledger-servers.ts";
import { measureStartup } from "./ledger-startup.ts";
import type { BenchmarkOptions, Report, Row } from "./report.ts";
import { versionsOf } from "./startup.ts";
import { wantedCells } from "./wanted-cells.ts";

/** How much is measured. Smaller ones show that the harness works, and nothing else. */
export interface LedgerSizes {
  readonly eventsPerSecond: number;
  readonly writeSeconds: number;
  readonly sqliteEvents: number;
  readonly postgresqlEvents: number;
  readonly insertEvents: number;
  readonly redisListEvents: number;
  /** Of each of the eight writers. */
  readonly contentionEvents: number;
  readonly histories: readonly { readonly name: string; readonly events: number }[];
  readonly queryRounds: number;
  readonly scanRounds: number;
}

const usualSizes: LedgerSizes = {
  eventsPerSecond: 5000,
  writeSeconds: 10,
  sqliteEvents: 150_000,
  postgresqlEvents: 200_000,
  insertEvents: 20_000,
  redisListEvents: 200_000,
  contentionEvents: 20_000,
  histories: [
    { name: "100k-events", events: 100_000 },
    { name: "1m-events", events: 1_000_000 },
  ],
  queryRounds: 21,
  scanRounds: 3,
};
const tenMillion = { name: "10m-events", events: 10_000_000 };

const defaultRounds = 3;

/** Everything that the ledger claims, with what users have today beside it. */
export async function ledger(options: BenchmarkOptions): Promise<Report> {
  const histories = options.full === true ? [...usualSizes.histories, tenMillion] : usualSizes.histories;
  return measureLedger(options, { ...usualSizes, histories });
}

export async function measureLedger(options: BenchmarkOptions, sizes: LedgerSizes): Promise<Report> {
  const rounds = options.rounds ?? defaultRounds;
  const queries = sizes.histories.flatMap(({ name }) => queryNames.map((query) => `${query}/${name}`));
  const names = ["write/app-thread", "write/loop-block", "durable/sqlite", "durable/postgresql"];
  const cells = wantedCells([...names, "contention/eight-writers", ...queries, "startup/ledger"], options.cells);
  const wantsAny = (...beginnings: string[]): boolean =>
    [...cells].some((cell) => beginnings.some((beginning) => cell.startsWith(beginning)));

  const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-benchmark-"));
  const wantsPostgresql = wantsAny("durable/postgresql", "contention", ...queryNames);
  const postgresql = wantsPostgresql ? await startPostgresql() : undefined;
  const redis = wantsAny("durable/postgresql") ? await startRedis() : undefined;
  const place = { directory, postgresql, redis };
  const rows: Row[] = [];
  try {
    if (wantsAny("write")) rows.push(...(await measureWrite(rounds, sizes, place, cells)));
    if (wantsAny("durable")) rows.push(...(await measureDurable(rounds, sizes, place, cells)));
    if (wantsAny("contention")) rows.push(...(await measureContention(rounds, sizes, place)));
    if (wantsAny(...queryNames)) rows.push(...(await measureQueries(sizes, place, cells)));
    // More rounds, since each is short and noisy.
    if (wantsAny("startup")) rows.push(...(await measureStartup(rounds * 5)));
  } finally {
    await postgresql?.stop();
    await redis?.stop();
    rmSync(directory, { recursive: true, force: true });
  }
  return {
    versions: {
      node: process.versions.node,
      sqlite: process.versions.sqlite ?? "unknown",
      ...(postgresql && { postgresql: postgresql.version }),
      ...(redis && { redis: redis.version }),
      ...versionsOf("@meterbridge/ledger", "pg", "ioredis"),
    },
    rows,
  };
}
