import { DatabaseSync } from "node:sqlite";
import { type LedgerStore, sqliteStore, usageQueries } from "@meterbridge/ledger";
import { postgresqlStore } from "@meterbridge/ledger/postgresql";
import pg from "pg";
import { history, historyStartsAt } from "./ledger-history.ts";
import { median } from "./report.ts";

export interface QueriesInput {
  readonly databaseUrl?: string;
  readonly file?: string;
  /** Of each query over rollups, and after one that is not counted. */
  readonly rounds: number;
  /** Of each scan of the events. */
  readonly scanRounds: number;
  readonly wanted: readonly QueryName[];
}

export const queryNames = ["summary", "by-model", "timeline"] as const;
export type QueryName = (typeof queryNames)[number];

export interface QueryFigure {
  readonly query: QueryName;
  readonly variant: string;
  readonly peer: "meterbridge" | "floor-scan";
  readonly milliseconds: number;
  readonly fastest: number;
  readonly slowest: number;
}

/** Asks a loaded store for its ninety days: each query for one tenant and for all, by days of two time zones. */
export async function askQueries(input: QueriesInput): Promise<readonly QueryFigure[]> {
  const { databaseUrl, file = "", rounds, scanRounds, wanted } = input;
  const store =
    databaseUrl === undefined ? sqliteStore({ file }) : postgresqlStore({ url: databaseUrl, timeoutMillis: 600_000 });
  const scan = databaseUrl === undefined ? scanSqlite(file) : await scanPostgresql(databaseUrl);
  const figures: QueryFigure[] = [];
  for (const query of wanted) {
    for (const tenant of [undefined, "tenant-1"]) {
      const who = tenant === undefined ? "all tenants" : "one tenant";
      const expected = await timed(scanRounds, () => scan.run(query, tenant));
      figures.push({ query, variant: `${who}, UTC`, peer: "floor-scan", ...expected });
      for (const timeZone of ["UTC", "Europe/Berlin"]) {
        const ask = asker(store, query, tenant, timeZone);
        const { result, ...times } = await timed(rounds, ask);
        figures.push({ query, variant: `${who}, ${timeZone}`, peer: "meterbridge", ...times });
        // The first day of a timeline begins two hours earlier in Berlin.
        const isComparable = query !== "timeline" || timeZone === "UTC";
        if (isComparable && result !== expected.result) {
          throw new Error(`${query}, ${who}, ${timeZone}: rollups have ${result} calls, events ${expected.result}`);
        }
      }
    }
  }
  await scan.close();
  await store.close();
  return figures;
}

/** Calls the query, and gives the calls that it found. */
function asker(
  store: LedgerStore,
  query: QueryName,
  tenant: string | undefined,
  timeZone: string,
): () => Promise<number> {
  const queries = usageQueries(store, { now: () => history.endsAt, timeZone });
  const scope = tenant === undefined ? {} : { tenant };
  const range = { from: dateOf(historyStartsAt), to: dateOf(history.endsAt), ...scope };
  if (query === "summary") return async () => (await queries.summary(range)).calls;
  if (query === "by-model") return async () => addCalls(await queries.byModel(range));
  return async () => addCalls(await queries.timeline({ step: "day", days: history.days, ...scope }));
}

function addCalls(rows: readonly { readonly calls: number }[]): number {
  return rows.reduce((sum, { calls }) => sum + calls, 0);
}

function dateOf(moment: number): string {
  return new Date(moment).toISOString().slice(0, 10);
}

interface Scan {
  run(query: QueryName, tenant: string | undefined): Promise<number>;
  close(): Promise<void>;
}

function scanSqlite(file: string): Scan {
  const database = new DatabaseSync(file, { readOnly: true });
  return {
    async run(query, tenant) {
      const text = scanText(query, tenant, "usage_events", "occurred_at / 86400000", String(firstMoment(query)));
      return countCalls(database.prepare(text).all());
    },
    close: async () => database.close(),
  };
}

async function scanPostgresql(databaseUrl: string): Promise<Scan> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  return {
    async run(query, tenant) {
      const from = `to_timestamp(${firstMoment(query)} / 1000.0)`;
      const text = scanText(query, tenant, "meterbridge.usage_events", "date_bin('1 day', occurred_at, 'epoch')", from);
      return countCalls((await client.query<Record<string, unknown>>(text)).rows);
    },
    close: () => client.end(),
  };
}

/** What an application without rollups would ask: the same figures from the events. */
function scanText(query: QueryName, tenant: string | undefined, table: string, day: string, from: string): string {
  const groups = { summary: "kind", "by-model": "kind, provider, model", timeline: `kind, ${day}` }[query];
  const where = tenant === undefined ? "" : ` and tenant = '${tenant}'`;
  return `select kind, count(*) as events, sum(input_tokens) as input, sum(output_tokens) as output,
    sum(cache_read_tokens) as cache_read, sum(cache_write_tokens) as cache_write, sum(reasoning_tokens) as reasoning,
    sum(cost_nano_usd) as cost, sum(inference_micros) as micros, sum(unpriced) as unpriced,
    sum(case when is_success then 1 else 0 end) as successes
    from ${table} where occurred_at >= ${from}${where} group by ${groups}`;
}

/** Of a timeline: the first of its days, today included. */
function firstMoment(query: QueryName): number {
  const day = 86_400_000;
  const today = Math.floor(history.endsAt / day) * day;
  return query === "timeline" ? today - (history.days - 1) * day : historyStartsAt;
}

function countCalls(rows: readonly Record<string, unknown>[]): number {
  return rows.filter(({ kind }) => kind === "llm_call").reduce((sum, { events }) => sum + Number(events), 0);
}

async function timed(
  rounds: number,
  ask: () => Promise<number>,
): Promise<{ milliseconds: number; fastest: number; slowest: number; result: number }> {
  let result = await ask();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    result = await ask();
    times.push(performance.now() - start);
  }
  return { milliseconds: median(times), fastest: Math.min(...times), slowest: Math.max(...times), result };
}
