import { createHash } from "node:crypto";
import { counterKeys, type CounterOwner, counterValues, parseCounters } from "./hot-counter-keys.ts";
import { setCounters } from "./hot-counter-script.ts";
import { type OwnerTotals, ownerTotals, totalsFromStore, type UsageTotals } from "./hot-counter-totals.ts";
import { ledgerErrorReason } from "../ledger-error.ts";
import type { LedgerStore, TotalsRow } from "../ledger-store.ts";
import { eachOf } from "./redis-at-once.ts";
import type { RedisConnection } from "./redis-client.ts";
import { checkPrefix } from "./redis-prefix.ts";

export interface HotCountersOptions {
  readonly redis: RedisConnection;
  /** Answers where Redis cannot. */
  readonly store: Pick<LedgerStore, "totals" | "location">;
  /** What all keys begin with. Default `metrics`. */
  readonly prefix?: string;
  /**
   * Which ledger the counters are of; those of another are replaced. Default: the store's location. Give one where instances
   * reach the same store by different addresses, and a new one when a database was replaced at the same address.
   */
  readonly epoch?: string;
}

/** All-time totals in Redis, for reads that must not wait for a database. They are set to what the store says, never counted up. */
export interface HotCounters {
  readonly redis: RedisConnection;
  /**
   * Sets the counters of these totals' owners, unless newer ones are there. The same totals any number of times, in any order,
   * end the same. `replacing` is what an earlier call gave as `ahead`: totals read since then are the truth, though they count
   * fewer rows. Rejects as `unavailable`; what was set by then stays.
   */
  apply(totals: readonly TotalsRow[], replacing?: readonly AheadCounters[]): Promise<AppliedCounters>;
  /** From Redis within its deadline, else from the store. Rejects only when neither answers. */
  read(tenant: string, employee?: string | null): Promise<CounterReading>;
  /** Calls back when counters were missing that the store has. Ends with the function it returns. */
  onMissing(listener: (owner: CounterOwner) => void): () => void;
}

export interface CounterReading extends UsageTotals {
  readonly source: "redis" | "store";
}

/** Counters of more rows than were given: newer, or of a store that has lost rows since. */
export interface AheadCounters {
  readonly owner: CounterOwner;
  readonly records: number;
}

export interface AppliedCounters {
  readonly ahead: readonly AheadCounters[];
  /** Tenants whose counters Redis will not take, and why: keys of somebody else's, say. */
  readonly refused: ReadonlyMap<string, unknown>;
}

/** Throws when the options are wrong. */
export function createHotCounters(options: HotCountersOptions): HotCounters {
  const { redis, store } = options;
  const prefix = checkPrefix(options.prefix ?? "metrics");
  // A location may hold names that are nobody's business in Redis.
  const epoch = createHash("sha256")
    .update(options.epoch ?? store.location)
    .digest("hex")
    .slice(0, 16);
  const listeners = new Set<(owner: CounterOwner) => void>();

  /** Owners of one tenant, few enough for one script. */
  async function set(owners: readonly OwnerTotals[], replacing: ReadonlyMap<string, number>): Promise<AheadCounters[]> {
    const keys = owners.flatMap(({ owner }) => counterKeys(prefix, owner));
    const words = owners.flatMap(({ owner, records, totals }) => [
      String(replacing.get(ownerName(owner)) ?? ""),
      String(records),
      ...counterValues(totals),
    ]);
    const answer = (await redis.script(setCounters, keys, [epoch, ...words])) as readonly unknown[];
    return owners.flatMap(({ owner }, index) => {
      const ahead = String(answer[index]);
      return ahead === "" ? [] : [{ owner, records: Number(ahead) }];
    });
  }

  async function fromRedis(owner: CounterOwner): Promise<UsageTotals | undefined> {
    try {
      const [version, ...values] = (await redis.command("MGET", ...counterKeys(prefix, owner))) as readonly unknown[];
      return String(version).startsWith(`${epoch}:`) ? parseCounters(values) : undefined;
    } catch {
      // Told by the connection, once.
      return undefined;
    }
  }

  return {
    redis,
    async apply(totals, replacing = []) {
      const replaced = new Map(replacing.map(({ owner, records }) => [ownerName(owner), records]));
      const ahead: AheadCounters[] = [];
      const refused = new Map<string, unknown>();
      const byTenant = Map.groupBy(ownerTotals(totals), ({ owner }) => owner.tenant);
      const batches = [...byTenant].flatMap(([tenant, owners]) =>
        inBatches(owners).map((batch) => ({ tenant, batch })),
      );
      await eachOf(batches, async ({ tenant, batch }) => {
        try {
          ahead.push(...(await set(batch, replaced)));
        } catch (error) {
          if (ledgerErrorReason(error) !== "refused") throw error;
          refused.set(tenant, error);
        }
      });
      return { ahead, refused };
    },
    async read(tenant, employee = null) {
      const owner = { tenant, employee };
      const hot = await fromRedis(owner);
      if (hot !== undefined) return { ...hot, source: "redis" };
      const { totals, isKnown } = await totalsFromStore(store, owner);
      if (isKnown) for (const listener of listeners) listener(owner);
      return { ...totals, source: "store" };
    },
    onMissing(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

const ownersPerScript = 100;

function ownerName({ tenant, employee }: CounterOwner): string {
  return JSON.stringify([tenant, employee]);
}

function inBatches(owners: readonly OwnerTotals[]): readonly (readonly OwnerTotals[])[] {
  const count = Math.ceil(owners.length / ownersPerScript);
  return Array.from({ length: count }, (_, index) =>
    owners.slice(index * ownersPerScript, (index + 1) * ownersPerScript),
  );
}
