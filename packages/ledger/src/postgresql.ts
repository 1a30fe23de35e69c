import { diag } from "@opentelemetry/api";
import { ledgerError, ledgerErrorReason } from "./ledger-error.ts";
import type { LedgerStore } from "./ledger-store.ts";
import { appendParameters, appendStatement } from "./postgresql/postgresql-append.ts";
import { isWithoutTables, storeError } from "./postgresql/postgresql-error.ts";
import { migrations } from "./postgresql/postgresql-migrations.ts";
import { tables } from "./postgresql/postgresql-names.ts";
import { type PostgresqlStoreOptions, resolvePostgresqlOptions } from "./postgresql/postgresql-options.ts";
import { dropPartitions, makePartitions } from "./postgresql/postgresql-partitions.ts";
import { bearErrors, openPool, type OwnPool, type PostgresqlPool } from "./postgresql/postgresql-pool.ts";
import {
  checkSchema,
  checkServer,
  longestStatementMillis,
  migrateSchema,
  versionOf,
} from "./postgresql/postgresql-schema.ts";
import { closedError, createSession, type Records } from "./postgresql/postgresql-session.ts";
import type { StoreReader } from "./reading/store-reader.ts";

export type { PostgresqlStoreOptions } from "./postgresql/postgresql-options.ts";
export type { PostgresqlClient, PostgresqlPool, PostgresqlQuery } from "./postgresql/postgresql-pool.ts";

export interface PostgresqlStore extends LedgerStore {
  /** Makes the tables, or upgrades them to this package's version. `open()` does so too, unless `create` is `"check"`. */
  migrate(): Promise<void>;
  /** Makes partitions ahead. Runs by itself at `open()` and daily, unless `create` is `"check"`. */
  maintain(): Promise<void>;
}

/**
 * Keeps the ledger in PostgreSQL 14 or newer: rows and rollups in one statement, durable when `append` resolves. Wrong options
 * throw here; an absent or ailing server rejects calls as `unavailable`, within `timeoutMillis`.
 */
export function postgresqlStore(options: PostgresqlStoreOptions = {}): PostgresqlStore {
  const { source, location, schema, create, monthsAhead, timeoutMillis, prepare } = resolvePostgresqlOptions(
    options,
    process.env,
  );
  const statement = appendStatement(schema, prepare);
  const state = tables(schema)("ledger_state");
  let opening: Promise<void> | undefined;
  let pooling: Promise<PostgresqlPool> | undefined;
  let ownPool: OwnPool | undefined;
  let stopBearing: (() => void) | undefined;
  let closing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let reading: Promise<readonly [StoreReader, StoreReader]> | undefined;
  let maintenanceFails = false;
  const underWay = new Set<Promise<unknown>>();

  const session = createSession(
    () =>
      (pooling ??= connectPool().catch((error: unknown) => {
        pooling = undefined;
        throw error;
      })),
    location,
    timeoutMillis,
  );
  const read = session.read;

  async function connectPool(): Promise<PostgresqlPool> {
    if (!("pool" in source)) return (ownPool = await openPool(source.url, timeoutMillis, location));
    stopBearing = bearErrors(source.pool);
    return source.pool;
  }

  /** Follows what is under way, so that `close` can wait for it. */
  async function during<Result>(work: () => Promise<Result>): Promise<Result> {
    if (closing !== undefined) throw closedError(location);
    const promise = work();
    underWay.add(promise);
    try {
      return await promise;
    } finally {
      underWay.delete(promise);
    }
  }

  function opened(): Promise<void> {
    return (opening ??= openTables().catch((error: unknown) => {
      opening = undefined;
      throw error;
    }));
  }

  async function openTables(): Promise<void> {
    await checkServer(read, location);
    if (create === "check") return checkSchema(read, schema, location);
    // In most cases there is nothing to do, and a look needs no lock and no right to create.
    if ((await versionOf(read, schema, location)) < migrations.length) await migrateSchema(session, schema);
    await maintainQuietly();
    timer ??= setInterval(() => void during(maintainQuietly).catch(ignore), dayMillis).unref();
  }

  /** Rows find a place without it, in the default partition: no reason to stay closed. */
  async function maintainQuietly(): Promise<void> {
    try {
      await makePartitions(session, schema, monthsAhead);
      if (maintenanceFails)
        diag.warn(`[meterbridge] [ledger] [postgresql] partitions are made ahead again at ${location}`);
      maintenanceFails = false;
    } catch (error) {
      if (!maintenanceFails) diag.warn(storeError(error, "make partitions in", location).message);
      maintenanceFails = true;
    }
  }

  /** For single queries, and for recounts, which may take their time. */
  function readers(): Promise<readonly [StoreReader, StoreReader]> {
    return (reading ??= import("./reading/store-reader.ts").then(({ createStoreReader }) => {
      const patiently = (text: string, values: readonly unknown[]): Promise<Records> =>
        session.transaction("read", longestStatementMillis, (run) => run(text, values));
      return [
        createStoreReader({ dialect: "postgresql", schema, run: read }),
        createStoreReader({ dialect: "postgresql", schema, run: patiently }),
      ] as const;
    }));
  }

  function query<Result>(ask: (quick: StoreReader, patient: StoreReader) => Promise<Result>): Promise<Result> {
    return during(async () => {
      await opened();
      return ask(...(await readers()));
    });
  }

  return {
    name: "postgresql",
    location,
    concurrency: 2,
    open: () => during(opened),
    append: (rows) =>
      during(async () => {
        await opened().catch((error: unknown) => {
          throw notTheRows(error);
        });
        if (rows.length === 0) return { written: 0, duplicates: 0, expired: 0 };
        const given = { ...statement, values: appendParameters(rows) };
        const [record] = await session.run("write to", given).catch((error: unknown) => {
          // A database that was emptied meanwhile gets its tables anew with the next call.
          if (isWithoutTables(error)) opening = undefined;
          throw error;
        });
        const [written, expired] = [Number(record?.["written"]), Number(record?.["expired"])];
        return { written, duplicates: rows.length - written - expired, expired };
      }),
    sums: (asked) => query((quick) => quick.sums(asked)),
    totals: (asked) => query((quick) => quick.totals(asked)),
    tenants: () => query((quick) => quick.tenants()),
    rows: (asked) => query((quick) => quick.rows(asked)),
    recount: (asked) => query((_quick, patient) => patient.recount(asked)),
    retain: (from) =>
      during(async () => {
        await opened();
        await dropPartitions(session, schema, from);
      }),
    retainedFrom: () =>
      during(async () => {
        await opened();
        const [record] = await read(
          `SELECT (extract(epoch FROM min(retained_from)) * 1000)::bigint AS moment FROM ${state}`,
        );
        const moment = record?.["moment"] ?? null;
        return moment === null ? undefined : new Date(Number(moment));
      }),
    migrate: () => during(() => migrateSchema(session, schema)),
    maintain: () =>
      during(async () => {
        await opened();
        await makePartitions(session, schema, monthsAhead);
      }),
    close: () =>
      (closing ??= (async () => {
        await Promise.allSettled(underWay);
        clearInterval(timer);
        stopBearing?.();
        await ownPool?.end(timeoutMillis);
      })()),
  };
}

const dayMillis = 86_400_000;

function ignore(): void {}

/** Tables of a newer version refuse this process and not its rows, which wait until it is upgraded too. */
function notTheRows(error: unknown): unknown {
  if (ledgerErrorReason(error) !== "refused" || !(error instanceof Error)) return error;
  return ledgerError("unavailable", error.message, error);
}
