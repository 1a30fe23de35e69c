import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import type { Throughput } from "./ledger-durable.ts";
import type { LedgerSizes } from "./ledger.ts";
import { inOwnProcess } from "./ledger-process.ts";
import { type QueryFigure, queryNames } from "./ledger-queries.ts";
import type { DatabaseServer, PostgresqlServer } from "./ledger-servers.ts";
import { median, type Row } from "./report.ts";

/** Where things are measured. A server that is missing leaves its cells out. */
export interface LedgerPlace {
  readonly directory: string;
  readonly postgresql: PostgresqlServer | undefined;
  readonly redis: DatabaseServer | undefined;
}

type Cells = ReadonlySet<string>;

export async function measureWrite(
  rounds: number,
  sizes: LedgerSizes,
  place: LedgerPlace,
  cells: Cells,
): Promise<Row[]> {
  const { eventsPerSecond, writeSeconds: seconds } = sizes;
  const nanoseconds: number[] = [];
  const floor = { delay: [] as number[], work: [] as number[], cpu: [] as number[] };
  const ours = { delay: [] as number[], work: [] as number[], cpu: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const bare = await inOwnProcess("writeAsApplication", { directory: undefined, eventsPerSecond, seconds });
    floor.delay.push(bare.longestDelayMillis);
    floor.work.push(bare.longestWorkMillis);
    floor.cpu.push(bare.threadMicroseconds);
    const measured = await inFreshDirectory(place, (directory) =>
      inOwnProcess("writeAsApplication", { directory, eventsPerSecond, seconds }),
    );
    if (measured.written !== measured.events) {
      throw new Error(`of ${measured.events} events ${measured.written} were written`);
    }
    nanoseconds.push(measured.nanoseconds);
    ours.delay.push(measured.longestDelayMillis);
    ours.work.push(measured.longestWorkMillis);
    ours.cpu.push(measured.threadMicroseconds);
  }
  const [call, block] = ["write/app-thread", "write/loop-block"];
  const rows: Row[] = [
    { cell: call, variant: "write()", peer: "meterbridge", ...middle(nanoseconds, "ns", "target: 1000") },
    {
      cell: call,
      variant: "all CPU for an event",
      peer: "bare",
      ...middle(floor.cpu, "µs", "making the events alone"),
    },
    { cell: call, variant: "all CPU for an event", peer: "meterbridge", ...middle(ours.cpu, "µs") },
    { cell: block, variant: "delay", peer: "bare", ...middle(floor.delay, "ms", "the same program without a ledger") },
    { cell: block, variant: "delay", peer: "meterbridge", ...middle(ours.delay, "ms", "target: 5") },
    {
      cell: block,
      variant: "work",
      peer: "bare",
      ...middle(floor.work, "ms", "CPU time at a stretch: not what others delay"),
    },
    { cell: block, variant: "work", peer: "meterbridge", ...middle(ours.work, "ms", "target: 5") },
  ];
  return rows.filter(({ cell }) => cells.has(cell));
}

export async function measureDurable(
  rounds: number,
  sizes: LedgerSizes,
  place: LedgerPlace,
  cells: Cells,
): Promise<Row[]> {
  const { postgresql, redis } = place;
  const contestants: Contestant[] = [];
  const ours = (store: "sqlite" | "postgresql", events: number, target: string): void => {
    contestants.push({
      cell: `durable/${store}`,
      peer: "meterbridge",
      note: `rows and rollups, each event once; target: ${target}`,
      run: async (directory) => {
        const databaseUrl = store === "sqlite" ? undefined : await postgresql?.createDatabase();
        return inOwnProcess("writeDurably", { store, directory, events, databaseUrl });
      },
    });
  };
  const insertNote = "rows alone; a retry after a lost answer counts twice";
  if (cells.has("durable/sqlite")) {
    ours("sqlite", sizes.sqliteEvents, "20 000");
    contestants.push({
      cell: "durable/sqlite",
      peer: "floor-insert",
      note: insertNote,
      run: (directory) => inOwnProcess("insertEach", { directory, events: sizes.insertEvents }),
    });
  }
  if (cells.has("durable/postgresql") && postgresql !== undefined) {
    ours("postgresql", sizes.postgresqlEvents, "35 000");
    contestants.push({
      cell: "durable/postgresql",
      peer: "floor-insert",
      note: insertNote,
      run: async (directory) => {
        const databaseUrl = await postgresql.createDatabase();
        return inOwnProcess("insertEach", { databaseUrl, directory, events: sizes.insertEvents });
      },
    });
    if (redis !== undefined) {
      contestants.push({
        cell: "durable/postgresql",
        peer: "floor-redis-list",
        note: "sums per day alone, no rows; what was popped and not yet written is lost with its process, a retry counts twice",
        run: async () => {
          const databaseUrl = await postgresql.createDatabase();
          return inOwnProcess("pushThroughRedis", { databaseUrl, redisUrl: redis.url, events: sizes.redisListEvents });
        },
      });
    }
  }
  const figures = contestants.map(() => ({ speed: [] as number[], cpu: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const [index, { run }] of contestants.entries()) {
      const { eventsPerSecond, cpuMicroseconds } = await inFreshDirectory(place, run);
      figures[index]?.speed.push(eventsPerSecond);
      figures[index]?.cpu.push(cpuMicroseconds);
    }
  }
  return contestants.map(({ cell, peer, note }, index) => {
    const { speed = [], cpu = [] } = figures[index] ?? {};
    return { cell, peer, ...middle(speed, "events/s", `${median(cpu).toFixed(0)} µs CPU each here; ${note}`) };
  });
}

interface Contestant {
  readonly cell: string;
  readonly peer: Row["peer"];
  readonly note: string;
  readonly run: (directory: string) => Promise<Throughput>;
}

export async function measureContention(
  rounds: number,
  sizes: LedgerSizes,
  { postgresql }: LedgerPlace,
): Promise<Row[]> {
  if (postgresql === undefined) return [];
  const perSecond: number[] = [];
  let deadlocks = 0;
  let timeouts = 0;
  for (let round = 0; round < rounds; round++) {
    const databaseUrl = await postgresql.createDatabase();
    const figures = await inOwnProcess("contend", { databaseUrl, writers: 8, events: sizes.contentionEvents });
    perSecond.push(figures.eventsPerSecond);
    deadlocks += figures.deadlocksWithin;
    timeouts += figures.timeouts;
  }
  const note = `half duplicates, sums exact; deadlocks surfaced 0, resolved within ${deadlocks}; timeouts retried ${timeouts}`;
  return [{ cell: "contention/eight-writers", peer: "meterbridge", ...middle(perSecond, "events/s", note) }];
}

export async function measureQueries(sizes: LedgerSizes, place: LedgerPlace, cells: Cells): Promise<Row[]> {
  const rows: Row[] = [];
  const { queryRounds: rounds, scanRounds } = sizes;
  for (const { name, events } of sizes.histories) {
    const wanted = queryNames.filter((query) => cells.has(`${query}/${name}`));
    if (wanted.length === 0) continue;
    const add = (store: string, figures: readonly QueryFigure[]): void => {
      for (const { query, variant, peer, milliseconds, fastest, slowest } of figures) {
        const note = `${fastest.toFixed(1)} to ${slowest.toFixed(1)}${peer === "meterbridge" ? "; target: 20" : ""}`;
        rows.push({
          cell: `${query}/${name}`,
          variant: `${store}, ${variant}`,
          peer,
          value: milliseconds,
          unit: "ms",
          note,
        });
      }
    };
    await inFreshDirectory(place, async (directory) => {
      const file = path.join(directory, "ledger.sqlite");
      await inOwnProcess("loadSqlite", { file, events });
      add("sqlite", await inOwnProcess("askQueries", { file, rounds, scanRounds, wanted }));
    });
    if (place.postgresql === undefined) continue;
    const databaseUrl = await place.postgresql.createDatabase();
    await inOwnProcess("loadPostgresql", { databaseUrl, events });
    add("postgresql", await inOwnProcess("askQueries", { databaseUrl, rounds, scanRounds, wanted }));
  }
  return rows;
}

async function inFreshDirectory<Result>(
  place: LedgerPlace,
  work: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = path.join(place.directory, "round");
  mkdirSync(directory);
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The median, with the least and the most beside it, since machines are noisy. */
function middle(values: readonly number[], unit: string, note?: string): Pick<Row, "value" | "unit" | "note"> {
  const shown = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(1));
  const range = values.length > 1 ? `${shown(Math.min(...values))} to ${shown(Math.max(...values))}` : undefined;
  const notes = [range, note].filter((text) => text !== undefined);
  return { value: median(values), unit, ...(notes.length > 0 && { note: notes.join("; ") }) };
}
