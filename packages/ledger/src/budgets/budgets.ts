import { diag as globalDiag } from "@opentelemetry/api";
import { randomUUID } from "node:crypto";
import type { BudgetAmount, Budgets, Reservation, ReserveRequest } from "./budget.ts";
import { amountFault, amountIn, chargesOf } from "./budget-charges.ts";
import type { Charge, Level } from "./budget-counters.ts";
import { watchLedger } from "./budget-ledger.ts";
import { budgetLevels } from "./budget-levels.ts";
import { memoryCounters } from "./budget-memory.ts";
import { type BudgetOutcome, budgetMeters } from "./budget-meters.ts";
import { type BudgetsOptions, checkBudgets, checkNumbers } from "./budget-options.ts";
import { type SafeAnswer, safeCounters } from "./budget-outage.ts";
import { redisCounters } from "./budget-redis.ts";
import { shown } from "../queries/query-error.ts";

/**
 * Keeps budgets: `reserve` before a model call, `commit` after it, `release` when it was not made. Exact in one process; with
 * `redis`, atomic across processes. docs/budgets.md says what is promised.
 *
 * @throws Error of one line that names the budget or option, what was found, and what it must be.
 */
export function createBudgets(options: BudgetsOptions): Budgets {
  const numbers = checkNumbers(options);
  const budgets = checkBudgets(options.budgets);
  const { redis, store, now = Date.now, diag = globalDiag } = options;
  const { timeoutMillis, instances, whenRedisIsGone: mode } = numbers;
  const leaseMillis = numbers.leaseSeconds * 1000;
  const isSeeded = store !== undefined;
  const warn = (message: string): void => diag.warn(`[meterbridge] [budgets] ${message}`);

  const counted =
    redis === undefined
      ? memoryCounters({ leaseMillis, isSeeded, now })
      : redisCounters({
          redis,
          leaseMillis,
          isSeeded,
          now: options.now,
          releaseLater: (id, charges) => safe.releaseLater(id, charges),
        });
  const levels = budgetLevels(counted.peek);
  const meters = budgetMeters(() => levels.states(now()), now);
  const watch =
    store && watchLedger(counted, { store, isStrict: mode === "fail-closed", timeoutMillis, onState: tellLedger() });
  const safe = safeCounters({
    counters: watch?.counters ?? counted,
    mode,
    instances,
    leaseMillis,
    timeoutMillis,
    now,
    lastSeen: levels.lastSeen,
    warn,
  });
  const charge = chargesOf(budgets, numbers.defaultTenant);
  const stopListening = redis?.onStateChange((state) => void (state === "up" && safe.deliver()));
  // What it kept may be older than it was.
  const stopReconnecting = redis?.onReconnect(() => void reconcile());
  const delivery = setInterval(() => void (safe.waiting > 0 && safe.deliver()), 1000).unref();
  const round = setInterval(() => void reconcile(), numbers.reconcileSeconds * 1000).unref();
  meters.bind();

  function tellLedger(): (isReadable: boolean, reason: string) => void {
    let wasReadable = true;
    return (isReadable, reason) => {
      if (isReadable === wasReadable) return;
      wasReadable = isReadable;
      warn(
        isReadable
          ? "the ledger can be read again"
          : `the ledger cannot be read, what was counted has to do: ${reason}`,
      );
    };
  }

  function see(charges: readonly Charge[], found: readonly (Level | undefined)[]): void {
    charges.forEach((one, index) => {
      const level = found[index];
      if (level === undefined) return;
      levels.see(one, level);
      if (level.expired > 0) meters.count(one.budget.name, "expired", level.expired);
    });
  }

  async function reserve(request: ReserveRequest): Promise<Reservation> {
    const fault = amountFault(request?.estimate);
    if (fault !== undefined) {
      throw new Error(`[meterbridge] [budgets] reserve(): estimate${fault.startsWith(".") ? "" : " "}${fault}`);
    }
    const moment = request.at === undefined ? now() : request.at.getTime();
    if (!Number.isFinite(moment)) throw new Error("[meterbridge] [budgets] reserve(): at must be a valid Date");
    const charges = await charge(request, moment);
    if (charges.length === 0) return settled({ granted: true, state: "ok" });
    const id = randomUUID();
    const answer = await safe.reserve(id, charges);
    see(charges, answer.levels);
    if (answer.refused !== undefined) return refuse(charges, answer, answer.refused);
    const states = charges.map((one, index) => stateOf(one, answer.levels[index]));
    charges.forEach(({ budget }, index) => meters.count(budget.name, answer.how ?? outcomes[states[index]!]));
    return open(id, charges, states.includes("hard") ? "hard" : states.includes("soft") ? "soft" : "ok");
  }

  function refuse(charges: readonly Charge[], { how }: SafeAnswer, refused: number): Reservation {
    if (how === "failed_closed") {
      for (const { budget } of charges) meters.count(budget.name, how);
      const reason = "what was spent cannot be looked up, and the budgets fail closed";
      return settled({ granted: false, state: "hard", reason });
    }
    const { budget } = charges[refused]!;
    meters.count(budget.name, "refused");
    const reason = `budget "${budget.name}" has not enough left`;
    return settled({ granted: false, state: "hard", refusedBy: budget.name, reason });
  }

  function open(id: string, charges: readonly Charge[], state: Reservation["state"]): Reservation {
    let isSettled = false;
    async function settle(actual: readonly bigint[] | null): Promise<void> {
      isSettled = true;
      const found = await safe.settle(id, charges, actual);
      if (found !== undefined) see(charges, found);
    }
    return {
      granted: true,
      refusedBy: undefined,
      reason: undefined,
      state,
      async commit(actual) {
        if (!isSettled) await settle(charges.map((one) => actualOf(one, actual)));
      },
      async release() {
        if (!isSettled) await settle(null);
      },
    };
  }

  /** What is not known, or is no amount, counts as estimated: it never counts as nothing. */
  function actualOf({ budget, estimate }: Charge, actual: BudgetAmount): bigint {
    const fault = amountFault(actual);
    if (fault !== undefined) warn(`commit(): amount ${fault}, found ${shown(actual)}; the estimate counts`);
    return (fault === undefined ? amountIn(budget, actual) : undefined) ?? estimate;
  }

  async function reconcile(): Promise<void> {
    meters.bind();
    const byWindow = Map.groupBy(levels.charges(now()), ({ budget, window }) => `${budget.name} ${window.key}`);
    for (const charges of byWindow.values()) {
      try {
        if (watch !== undefined && charges[0]!.window.boundaries !== undefined) {
          await watch.reconcile(charges, (one, level) => see([one], [level]));
        } else for (const one of charges) see([one], [await counted.raise(one, undefined)]);
      } catch {
        // The ledger's trouble is told by the watch, that of Redis by its connection.
      }
    }
  }

  return {
    reserve,
    state: () => levels.states(now()),
    reconcile,
    async close() {
      clearInterval(delivery);
      clearInterval(round);
      stopListening?.();
      stopReconnecting?.();
      meters.close();
      await safe.deliver();
    },
  };
}

const outcomes = { ok: "granted", soft: "soft", hard: "soft" } as const satisfies Record<string, BudgetOutcome>;

function stateOf({ budget, limit }: Charge, level: Level | undefined): Reservation["state"] {
  if (level === undefined) return "ok";
  const taken = level.used + level.reserved;
  if (taken > limit) return "hard";
  return taken >= budget.soft ? "soft" : "ok";
}

/** Nothing is reserved, so there is nothing to settle. */
function settled(
  told: Pick<Reservation, "granted" | "state"> & Partial<Pick<Reservation, "refusedBy" | "reason">>,
): Reservation {
  const nothing = async (): Promise<void> => {};
  return { refusedBy: undefined, reason: undefined, ...told, commit: nothing, release: nothing };
}
