import type { BudgetCounters, Charge, Level, ReserveAnswer } from "./budget-counters.ts";
import { raiseScript, reserveScript, settleScript } from "./budget-scripts.ts";
import type { RedisConnection } from "../redis/redis-client.ts";

export interface RedisCountersOptions {
  readonly redis: RedisConnection;
  readonly leaseMillis: number;
  readonly isSeeded: boolean;
  /** Undefined: Redis' own clock runs the leases. */
  readonly now: (() => number) | undefined;
  /** Takes a release that could not be delivered. */
  readonly releaseLater: (id: string, charges: readonly Charge[]) => void;
}

/** How long Redis knows that a reservation was settled, so that the same again changes nothing. */
const memoryMillis = 3_600_000;

/**
 * Counts in Redis. The budgets of one tenant lie in one slot and are reserved by one script; a budget of all tenants lies in a
 * slot of its own. Slots are asked in this order: the tenant's, then the others as the budgets are listed; where one refuses,
 * those before are released again.
 */
export function redisCounters({
  redis,
  leaseMillis,
  isSeeded,
  now,
  releaseLater,
}: RedisCountersOptions): BudgetCounters {
  const present = (): string => (now === undefined ? "" : String(now()));
  const lifeOf = ({ window }: Charge): string => {
    const left = Math.max(0, window.end - (now ?? Date.now)());
    return String(left + (window.isRolling ? window.end - window.oldest : 0) + spareMillis);
  };

  async function reserveIn(id: string, group: Group, charges: readonly Charge[]): Promise<Answer> {
    const words = [present(), id, String(leaseMillis), String(memoryMillis), isSeeded ? "1" : "0"];
    for (const index of group.indexes) {
      const charge = charges[index]!;
      const { window, estimate, limit, budget } = charge;
      words.push(String(window.slice), String(window.oldest), String(estimate), String(limit));
      words.push(budget.hard ? "1" : "0", window.boundaries === undefined ? "0" : "1", lifeOf(charge));
    }
    return (await redis.script(reserveScript, keysOf(id, group, charges), words)) as Answer;
  }

  async function settleIn(
    id: string,
    group: Group,
    charges: readonly Charge[],
    actual: readonly bigint[] | "release" | "undo",
  ): Promise<readonly RawLevel[]> {
    const words = [present(), id, String(memoryMillis), typeof actual === "string" ? actual : "commit"];
    for (const index of group.indexes) {
      const charge = charges[index]!;
      const { window, estimate } = charge;
      words.push(
        String(window.slice),
        String(window.oldest),
        String(estimate),
        typeof actual === "string" ? "0" : String(actual[index]),
      );
      words.push(lifeOf(charge));
    }
    return (await redis.script(settleScript, keysOf(id, group, charges), words)) as readonly RawLevel[];
  }

  return {
    async reserve(id, charges): Promise<ReserveAnswer> {
      const levels: (Level | undefined)[] = charges.map(() => undefined);
      const groups = groupsOf(charges);
      for (const [position, group] of groups.entries()) {
        const [decision, refused, unseeded, found] = await reserveIn(id, group, charges);
        found.forEach((raw, place) => (levels[group.indexes[place]!] = levelOf(raw)));
        if (decision === "granted" || decision === "known") continue;
        const undone = Promise.all(groups.slice(0, position).map((earlier) => settleIn(id, earlier, charges, "undo")));
        if (decision === "refused") {
          await undone.catch(() => releaseLater(id, charges));
          return { refused: group.indexes[refused - 1]!, unseeded: [], levels };
        }
        await undone;
        return { refused: undefined, unseeded: unseeded.map((place) => group.indexes[place - 1]!), levels };
      }
      return { refused: undefined, unseeded: [], levels };
    },

    async settle(id, charges, actual) {
      const levels: Level[] = [];
      for (const group of groupsOf(charges)) {
        const found = await settleIn(id, group, charges, actual ?? "release");
        found.forEach((raw, place) => (levels[group.indexes[place]!] = levelOf(raw)));
      }
      return levels;
    },

    async raise(charge, sums) {
      const { window } = charge;
      const words = [
        present(),
        String(window.slice),
        String(window.oldest),
        lifeOf(charge),
        sums === undefined ? "0" : "1",
      ];
      for (const [slice, sum] of [...(sums ?? [])].toSorted(([left], [right]) => right - left)) {
        words.push(String(slice), String(sum));
      }
      return levelOf((await redis.script(raiseScript, accountKeys(charge), words)) as RawLevel);
    },
  };
}

/** What lies in one slot. */
interface Group {
  readonly tag: string;
  readonly indexes: number[];
}

type RawLevel = readonly [used: string, reserved: string, expired: number];
type Answer = readonly [
  decision: "granted" | "known" | "unseeded" | "refused",
  refused: number,
  unseeded: readonly number[],
  levels: readonly RawLevel[],
];

function groupsOf(charges: readonly Charge[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const [index, { tag }] of charges.entries()) {
    const group = groups.get(tag);
    if (group === undefined) groups.set(tag, { tag, indexes: [index] });
    else group.indexes.push(index);
  }
  const isShared = ({ indexes }: Group): number => ("tenant" in charges[indexes[0]!]!.values ? 0 : 1);
  return [...groups.values()].toSorted((left, right) => isShared(left) - isShared(right));
}

function keysOf(id: string, { tag, indexes }: Group, charges: readonly Charge[]): string[] {
  return [`${prefix}{${tag}}:reservation:${id}`, ...indexes.flatMap((index) => accountKeys(charges[index]!))];
}

function accountKeys({ tag, key }: Charge): [hash: string, leases: string] {
  return [`${prefix}{${tag}}:${key}`, `${prefix}{${tag}}:${key}:leases`];
}

function levelOf([used, reserved, expired]: RawLevel): Level {
  return { used: BigInt(used), reserved: BigInt(reserved), expired };
}

const prefix = "meterbridge:budget:";
/** Counters outlive their window: calls that are still open count in the window they began in. */
const spareMillis = 86_400_000;
