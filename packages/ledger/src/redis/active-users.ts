import type { DiagLogger } from "@opentelemetry/api";
import { hash } from "node:crypto";
import { diag as globalDiag } from "../harmless-diag.ts";
import { addUsers, type ActiveWindow, activeWindows, scopeKeys, windowKeys } from "./active-users-keys.ts";
import { createOwnUsers } from "./active-users-own.ts";
import { createPendingUsers, createRecentUsers, type UsersBatch } from "./active-users-pending.ts";
import { ledgerErrorReason } from "../ledger-error.ts";
import { eachOf } from "./redis-at-once.ts";
import type { RedisConnection } from "./redis-client.ts";
import { describe, say } from "./redis-error.ts";
import { checkPrefix } from "./redis-prefix.ts";

export interface ActiveUsersOptions {
  readonly redis: RedisConnection;
  /** What all keys begin with. Default `metrics`. */
  readonly prefix?: string;
  /** How long users are gathered before they are sent. Default 1000. */
  readonly intervalMillis?: number;
  /** Default: OpenTelemetry's `diag`. */
  readonly diag?: Pick<DiagLogger, "warn">;
}

/** Distinct users over all instances that share a Redis; the windows are those of core's `user.active`. */
export interface ActiveUsers {
  /**
   * Notes that the user was active, at `at` (default now; a day back at most). Cheap, and never throws. Ids are hashed here: none
   * is kept or sent. As in core, one id is one user in whatever tenant, except in the count of a tenant.
   */
  seen(user: string, at?: Date, tenant?: string): void;
  /**
   * Distinct users in the window that ends now, of one tenant or of all; an estimate with a standard error of 0.81 %. Without Redis
   * it counts those that this process saw (`process`). Never rejects.
   */
  active(window: ActiveWindow, tenant?: string): Promise<ActiveUsersCount>;
  /** Sends what was seen by now. Never rejects: what could not be sent is kept, up to a bound. */
  flush(): Promise<void>;
  /** Flushes once, and ends. */
  close(): Promise<void>;
}

export interface ActiveUsersCount {
  readonly users: number;
  readonly source: "redis" | "process";
}

/** Throws when the options are wrong. */
export function createActiveUsers(options: ActiveUsersOptions): ActiveUsers {
  const { redis, intervalMillis = 1_000, diag = globalDiag } = options;
  const prefix = checkPrefix(options.prefix ?? "metrics");
  const own = createOwnUsers();
  let pending = createPendingUsers();
  const recent = createRecentUsers();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Promise<void> | undefined;
  let failures = 0;
  let dropped = 0;
  let isRefusalTold = false;
  let isClosed = false;

  function schedule(): void {
    if (isClosed || timer !== undefined) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        void run();
      },
      Math.min(intervalMillis * 2 ** failures, longestPauseMillis),
    );
    timer.unref();
  }

  function run(): Promise<void> {
    running ??= send().finally(() => {
      running = undefined;
      if (!pending.isEmpty) schedule();
    });
    return running;
  }

  async function send(): Promise<void> {
    recent.clear();
    if (pending.isEmpty) return;
    const sending = pending;
    pending = createPendingUsers();
    try {
      await eachOf([...sending.batches()], sendBatch);
      failures = 0;
      if (dropped > 0) diag.warn(say(redis.where, `${dropped} sightings of users were not sent while it was down`));
      dropped = 0;
    } catch {
      // Told by the connection. Users that were sent already count once however often they are sent.
      failures += 1;
      for (const { minute, tenant, digests } of sending.entries()) {
        for (const digest of digests) if (!pending.add(minute, tenant, digest)) dropped += 1;
      }
    }
  }

  async function sendBatch({ minute, tenant, digests }: UsersBatch): Promise<void> {
    const { keys, seconds } = scopeKeys(prefix, tenant, minute);
    try {
      await redis.script(addUsers, keys, [...seconds, ...digests]);
    } catch (error) {
      if (ledgerErrorReason(error) !== "refused") throw error;
      if (!isRefusalTold) diag.warn(say(redis.where, `some active users are not counted: ${describe(error)}`));
      isRefusalTold = true;
    }
  }

  function note(user: string, at: number, tenant: string | undefined): void {
    const now = Date.now();
    if (!(at > now - longestBackMillis && at < now + aheadMillis)) return;
    const minute = Math.floor(at / 60_000);
    if (!recent.isNews(minute, tenant, user)) return;
    const digest = hash("sha256", user, "base64url").slice(0, digestLength);
    own.add(digest, at, tenant);
    if (!pending.add(minute, tenant, digest)) dropped += 1;
    schedule();
  }

  async function flush(): Promise<void> {
    await running;
    clearTimeout(timer);
    timer = undefined;
    await run();
  }

  return {
    seen(user, at, tenant) {
      if (isClosed || typeof user !== "string" || user === "") return;
      if (tenant !== undefined && typeof tenant !== "string") return;
      if (at !== undefined && !(at instanceof Date)) return;
      note(user, at?.getTime() ?? Date.now(), tenant);
    },
    async active(window, tenant) {
      if (!Object.hasOwn(activeWindows, window)) {
        throw new RangeError(
          `[meterbridge] [ledger] [redis] window must be 5m, 1h or 1d, found ${JSON.stringify(window)}`,
        );
      }
      const now = Date.now();
      try {
        const users = await redis.command("PFCOUNT", ...windowKeys(prefix, tenant, window, now));
        return { users: Number(users), source: "redis" };
      } catch {
        return { users: own.count(window, now, tenant), source: "process" };
      }
    },
    flush,
    async close() {
      if (isClosed) return;
      isClosed = true;
      if (redis.state !== "down") await flush();
      clearTimeout(timer);
    },
  };
}

/** 96 bits: among 10^9 users two share one with a probability of one in 10^11. */
const digestLength = 16;
const longestPauseMillis = 30_000;
const longestBackMillis = 86_400_000;
/** Clocks of instances differ a little. */
const aheadMillis = 60_000;
