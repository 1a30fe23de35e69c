import * as v from "valibot";
import { checkOptions, wholeNumber } from "../check-options.ts";
import type { PostgresqlPool } from "./postgresql-pool.ts";

export interface PostgresqlStoreOptions {
  /**
   * A pool of `pg`, or one like it. It stays yours: the store never ends it. Give it a `statement_timeout`: without one the server
   * goes on with appends that were given up on, for as long as they wait for a lock.
   */
  readonly pool?: PostgresqlPool | undefined;
  /**
   * Opens a pool of up to 6 connections with the package `pg`: `postgresql://user:password@host:5432/database`. Environment:
   * `DATABASE_URL`, where no pool is given.
   */
  readonly url?: string | undefined;
  /** The schema that holds the tables; made when missing. Default `"meterbridge"`. */
  readonly schema?: string | undefined;
  /**
   * `"migrate"` (default): `open()` makes or upgrades the tables, and makes partitions ahead, at once and daily. `"check"`: it only
   * looks, for roles that may not create tables; then run `migrate()` at each upgrade and `maintain()` daily with one that may.
   */
  readonly create?: "migrate" | "check" | undefined;
  /** Partitions are made for this month and so many more, 0 to 24. Default 3. */
  readonly monthsAhead?: number | undefined;
  /**
   * Milliseconds that a call may take, waiting for a connection and all, before it fails as `unavailable`. Default 5000. A
   * recount, a migration, a change of partitions may take longer: each of their statements 10 minutes at most.
   */
  readonly timeoutMillis?: number | undefined;
  /**
   * Prepare the statement that writes, once per connection. Without it each batch is planned anew. Default true; set it to false
   * for PgBouncer in transaction mode before 1.21.
   */
  readonly prepare?: boolean | undefined;
}

export interface PostgresqlSettings {
  readonly source: { readonly pool: PostgresqlPool } | { readonly url: string };
  /** `host:port/database`. */
  readonly location: string;
  readonly schema: string;
  readonly create: "migrate" | "check";
  readonly monthsAhead: number;
  readonly timeoutMillis: number;
  readonly prepare: boolean;
}

/** Fills in the environment and the defaults. Throws an `Error` of one line that names the option and what is allowed. */
export function resolvePostgresqlOptions(
  options: PostgresqlStoreOptions,
  environment: NodeJS.ProcessEnv,
): PostgresqlSettings {
  const { pool, url: givenUrl, ...settings } = checkOptions("[ledger] [postgresql]", schema, options);
  if (pool !== undefined) {
    if (givenUrl !== undefined) throw new Error(`${prefix} give either option "pool" or option "url", found both`);
    return { ...settings, source: { pool }, location: locationOfPool(pool) };
  }
  const url = givenUrl ?? environment["DATABASE_URL"];
  if (url === undefined || url === "") {
    throw new Error(`${prefix} needs option "pool", option "url" or the environment variable DATABASE_URL, found none`);
  }
  const location = locationOf(url);
  if (location === undefined) {
    throw new Error(
      `${prefix} ${givenUrl === undefined ? "the environment variable DATABASE_URL" : 'option "url"'} ${urlRule}`,
    );
  }
  return { ...settings, source: { url }, location };
}

const prefix = "[meterbridge] [ledger] [postgresql]";
const urlRule = "must be like postgresql://user:password@host:5432/database";
const poolRule = "must be a pool of pg, or an object like it with connect()";
const schemaRule = "must be the name of a schema: 1 to 63 bytes, without NUL, not beginning with pg_";
const createRule = 'must be "migrate" or "check"';

const schema = v.strictObject({
  pool: v.optional(
    v.custom<PostgresqlPool>((value) => typeof (value as PostgresqlPool | null)?.connect === "function", poolRule),
  ),
  url: v.optional(
    v.pipe(
      v.string(urlRule),
      v.check((url) => locationOf(url) !== undefined, urlRule),
    ),
  ),
  schema: v.optional(
    v.pipe(
      v.string(schemaRule),
      v.check(
        (name) => /^(?!pg_)[^\0]+$/.test(name) && name.isWellFormed() && Buffer.byteLength(name) <= 63,
        schemaRule,
      ),
    ),
    "meterbridge",
  ),
  create: v.optional(v.picklist(["migrate", "check"], createRule), "migrate"),
  monthsAhead: wholeNumber(0, 24, 3),
  timeoutMillis: wholeNumber(10, 600_000, 5_000),
  prepare: v.optional(v.boolean("must be true or false"), true),
});

/** Where the URL leads, without user, password and settings; undefined when it is none. */
function locationOf(url: string): string | undefined {
  if (!/^postgres(?:ql)?:\/\//.test(url) || !URL.canParse(url)) return undefined;
  const { hostname, port, pathname, searchParams } = new URL(url);
  const host = hostname || searchParams.get("host") || "localhost";
  return `${host}:${port || searchParams.get("port") || "5432"}${pathname.length > 1 ? pathname : ""}`;
}

function locationOfPool(pool: PostgresqlPool): string {
  const { options } = pool as { readonly options?: Readonly<Record<string, unknown>> };
  const url = options?.["connectionString"];
  const fromUrl = typeof url === "string" ? locationOf(url) : undefined;
  if (fromUrl !== undefined) return fromUrl;
  const [host, port, database] = ["host", "port", "database"].map((name) => options?.[name]);
  if (typeof host !== "string") return "a pool's server";
  return `${host}:${typeof port === "number" ? port : 5432}${typeof database === "string" ? `/${database}` : ""}`;
}
