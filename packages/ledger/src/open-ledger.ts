import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import * as v from "valibot";
import type { UsageEvent, UsageSink } from "@meterbridge/core";
import type { ActiveUsers } from "./redis/active-users.ts";
import type { HotCounters } from "./redis/hot-counters.ts";
import { checkOptions, months } from "./check-options.ts";
import { createLedger, type Ledger, type LedgerStatus } from "./ledger.ts";
import type { LedgerCounters } from "./ledger-options.ts";
import type { LedgerStore } from "./ledger-store.ts";
import { openSpool } from "./spool/spool.ts";
import { sqliteStore } from "./sqlite/sqlite-store.ts";

export interface OpenLedgerOptions {
  /** `sqlite` (default): one file in the directory. `postgresql`: the database of `databaseUrl`. */
  readonly store?: "sqlite" | "postgresql" | undefined;
  /** Where files go: the SQLite database and the spool. Default `.meterbridge` in the working directory. Made with mode 0700. */
  readonly directory?: string | undefined;
  /** Default: the environment variable `DATABASE_URL`. */
  readonly databaseUrl?: string | undefined;
  /** Forgets rows captured more whole months ago; their sums stay. Default: none is forgotten. */
  readonly retentionMonths?: number | undefined;
  /** `redis`: hot counters in the Redis of `redisUrl`. Default: none. */
  readonly counters?: "redis" | undefined;
  /** Default: the environment variable `REDIS_URL`. */
  readonly redisUrl?: string | undefined;
  /**
   * `now` (default) opens the store at once. `when-used` does so at the first event, or at once where a ledger has been kept
   * in the directory before: a process that measures nothing leaves nothing behind.
   */
  readonly opens?: "now" | "when-used" | undefined;
}

/** The ledger as one line and one object: what `start()` of `@meterbridge/node` uses. */
export interface OpenedLedger extends Required<UsageSink>, Pick<Ledger, "flush" | "close" | "keepNow"> {
  /** What it is and where, for a status line: `sqlite .meterbridge/ledger.sqlite`. */
  readonly description: string;
  readonly store: LedgerStore;
  /** What Redis holds; undefined without `counters: "redis"`. */
  readonly redis: RedisParts | undefined;
  /** Opens it, for who reads before the first event: `when-used` has not until then. */
  open(): void;
  /** Undefined while it has not been used. */
  status(): LedgerStatus | undefined;
}

/**
 * Opens a ledger with a store, a spool and, if asked for, hot counters, from a few settings. Synchronous: the store is opened in
 * the background.
 *
 * @throws Error of one line when a setting is wrong or missing.
 */
export function openLedger(options: OpenLedgerOptions = {}): OpenedLedger {
  const { directory: given, opens, ...settings } = checkOptions("[ledger]", optionsSchema, options);
  // Of this moment: an application may go elsewhere before the first event.
  const directory = path.resolve(given);
  const existed = existsSync(directory);
  const store = settings.store === "postgresql" ? postgresql(settings.databaseUrl) : sqliteIn(directory);
  const redis = settings.counters === "redis" ? redisParts(store, settings.redisUrl) : undefined;
  let opened: Ledger | undefined;

  function ledger(): Ledger {
    return (opened ??= create());
  }

  function create(): Ledger {
    makeDirectory(directory);
    return createLedger({
      store,
      spool: openSpool({ directory: path.join(directory, "spool") }),
      counters: redis?.sync(),
      retentionMonths: settings.retentionMonths,
    });
  }

  if (opens === "now" || existed) ledger();
  return {
    description: `${store.name} ${store.location}`,
    store,
    redis,
    open: () => void ledger(),
    write: (event: UsageEvent) => ledger().write(event),
    seen: (user, occurredAt, tenant) => redis?.activeUsers.seen(user, occurredAt, tenant ?? undefined),
    flush: async (timeoutMillis) => (await opened?.flush(timeoutMillis)) ?? true,
    async close(timeoutMillis) {
      await opened?.close(timeoutMillis);
      await redis?.close();
    },
    keepNow: () => opened?.keepNow(),
    status: () => opened?.status(),
  };
}

function sqliteIn(directory: string): LedgerStore {
  return sqliteStore({ file: path.join(directory, "ledger.sqlite") });
}

function postgresql(url: string | undefined): LedgerStore {
  const { postgresqlStore } = entry("postgresql") as typeof import("./postgresql.ts");
  return postgresqlStore(url === undefined ? {} : { url });
}

/** Counters and users in Redis, which are opened when they are first used. */
export interface RedisParts {
  readonly counters: HotCounters;
  readonly activeUsers: ActiveUsers;
}

function redisParts(
  store: LedgerStore,
  url: string | undefined,
): RedisParts & { sync(): LedgerCounters; close(): Promise<void> } {
  const { connectRedis, createActiveUsers, createCounterSync, createHotCounters } = entry(
    "redis",
  ) as typeof import("./redis.ts");
  const redis = connectRedis(url === undefined ? {} : { url });
  const counters = createHotCounters({ redis, store });
  const activeUsers = createActiveUsers({ redis });
  return {
    counters,
    activeUsers,
    sync: () => createCounterSync({ store, counters }),
    async close() {
      await activeUsers.close();
      redis.close();
    },
  };
}

/** Another entry of this package, loaded only for who asks for it, and at once, since a preload cannot wait. */
function entry(name: "postgresql" | "redis"): unknown {
  return createRequire(import.meta.url)(`./${name}${path.extname(import.meta.url)}`);
}

/** A directory of ours, which nobody should commit by accident. What cannot be made is told when the parts open. */
function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(path.join(directory, ".gitignore"), "*\n", { flag: "wx", mode: 0o600 });
  } catch {
    // There already, or not possible.
  }
}

const text = v.optional(v.pipe(v.string("must be a text"), v.nonEmpty("must not be empty")));

const optionsSchema = v.strictObject({
  store: v.optional(v.picklist(["sqlite", "postgresql"], `must be "sqlite" or "postgresql"`), "sqlite"),
  directory: v.optional(v.pipe(v.string("must be a path"), v.nonEmpty("must not be empty")), ".meterbridge"),
  databaseUrl: text,
  retentionMonths: months,
  counters: v.optional(v.picklist(["redis"], `must be "redis"`)),
  redisUrl: text,
  opens: v.optional(v.picklist(["now", "when-used"], `must be "now" or "when-used"`), "now"),
});
