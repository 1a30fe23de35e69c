import type { DiagLogger } from "@opentelemetry/api";
import * as v from "valibot";
import type { Budget, BudgetScope, BudgetWindow } from "./budget.ts";
import { checkOptions, wholeNumber } from "../check-options.ts";
import { cleanText } from "../clean-text.ts";
import type { LedgerStore } from "../ledger-store.ts";
import { shown } from "../queries/query-error.ts";
import type { RedisConnection } from "../redis/redis-client.ts";

export interface BudgetsOptions {
  readonly budgets: readonly Budget[];
  /** The ledger's store: what was spent is read from it when Redis or the process has lost it, and every minute. */
  readonly store?: LedgerStore | undefined;
  /** `connectRedis()` of `@meterbridge/ledger/redis`. Without one the budgets count in this process alone. */
  readonly redis?: RedisConnection | undefined;
  /**
   * `local-share` (default): this process grants its share of what was left when it last saw it. `fail-open`: it grants all.
   * `fail-closed`: it refuses all.
   */
  readonly whenRedisIsGone?: "local-share" | "fail-open" | "fail-closed" | undefined;
  /** Seconds after which the estimate of a reservation that nobody settled is given back. Default 120. */
  readonly leaseSeconds?: number | undefined;
  /**
   * How many processes share the budgets: each takes that part of what is left while Redis is gone. Default 1, which is right
   * for one process; with more, and this not set, each would spend all that is left.
   */
  readonly instances?: number | undefined;
  /** The ledger's default tenant. Default `default`. */
  readonly defaultTenant?: string | undefined;
  /** Milliseconds after which `reserve` goes on without Redis, or without the ledger. Default 500. */
  readonly timeoutMillis?: number | undefined;
  /** Seconds between two looks at the ledger. Default 60. */
  readonly reconcileSeconds?: number | undefined;
  /** Default: OpenTelemetry's `diag`. */
  readonly diag?: Pick<DiagLogger, "warn"> | undefined;
  /** The present in Unix milliseconds, for tests. Default `Date.now`, and Redis' own clock for leases. */
  readonly now?: (() => number) | undefined;
}

export interface CheckedBudget {
  readonly name: string;
  readonly scope: BudgetScope;
  readonly unit: "nanoUsd" | "tokens";
  readonly limit: bigint;
  /** The amount from which on it is soft. */
  readonly soft: bigint;
  readonly hard: boolean;
  readonly window: BudgetWindow;
}

export interface CheckedNumbers {
  readonly leaseSeconds: number;
  readonly instances: number;
  readonly timeoutMillis: number;
  readonly reconcileSeconds: number;
  readonly whenRedisIsGone: "local-share" | "fail-open" | "fail-closed";
  readonly defaultTenant: string;
}

export const scopeNames = ["tenant", "employee", "project", "model"] as const;

/** @throws Error of one line that names the budget or option, what was found, and what it must be. */
export function checkBudgets(budgets: readonly Budget[]): readonly CheckedBudget[] {
  if (!Array.isArray(budgets)) throw wrong(`option "budgets" must be a list of budgets, found ${shown(budgets)}`);
  const checked = budgets.map((budget: Budget, index) => checkBudget(budget, index));
  const names = new Set<string>();
  for (const { name } of checked) {
    if (names.has(name)) throw wrong(`budget ${shown(name)} is there twice: give each a name of its own`);
    names.add(name);
  }
  return checked;
}

/**
 * The options but `budgets`, with their defaults.
 * @throws Error as {@link checkBudgets} does, for one that is misspelt too: another mode would be silently the default.
 */
export function checkNumbers(options: BudgetsOptions): CheckedNumbers {
  return checkOptions("[budgets]", optionsSchema, options);
}

function checkBudget(budget: Budget, index: number): CheckedBudget {
  const result = v.safeParse(budgetSchema, budget);
  if (!result.success) {
    const [issue] = result.issues;
    const name: unknown = budget?.name;
    const who = typeof name === "string" && name !== "" ? `budget ${shown(name)}` : `budget number ${index + 1}`;
    const path = issue.path?.map(({ key }) => String(key)).join(".");
    throw wrong(`${who}: ${path ? `"${path}" ` : ""}${issue.message}, found ${shown(issue.input)}`);
  }
  const { name, scope, window, soft, hard, limit: given } = result.output;
  const { unit, limit } = limitOf(given);
  return { name, scope, unit, limit, soft: BigInt(Math.ceil(Number(limit) * soft)), hard, window };
}

function limitOf(limit: v.InferOutput<typeof limitSchema>): Pick<CheckedBudget, "unit" | "limit"> {
  if ("tokens" in limit) return { unit: "tokens", limit: BigInt(limit.tokens) };
  return { unit: "nanoUsd", limit: "usd" in limit ? BigInt(Math.round(limit.usd * 1e9)) : limit.nanoUsd };
}

function wrong(message: string): Error {
  return new Error(`[meterbridge] [budgets] ${message}`);
}

function between(least: number, most: number, unit = "") {
  const rule = `must be a whole number from ${least} to ${most}${unit}`;
  return v.pipe(v.number(rule), v.integer(rule), v.minValue(least, rule), v.maxValue(most, rule));
}

function closed<Entries extends v.ObjectEntries>(entries: Entries, what: string) {
  return v.strictObject(entries, (issue) =>
    issue.expected === "never" ? `is unknown, there are ${Object.keys(entries).join(", ")}` : what,
  );
}

function isTimeZone(timeZone: string): boolean {
  try {
    // Offsets such as +05:30 have no calendar of their own.
    return /^[A-Z]/i.test(new Intl.DateTimeFormat("en", { timeZone }).resolvedOptions().timeZone);
  } catch {
    return false;
  }
}

const valueRule = 'must be a text of 1 to 255 characters, or "*" for each value';
const value = v.optional(
  v.pipe(v.string(valueRule), v.minLength(1, valueRule), v.maxLength(255, valueRule), v.transform(cleanText)),
);
const zoneRule = "must be an IANA time zone such as Europe/Berlin";
const timeZone = v.optional(v.pipe(v.string(zoneRule), v.check(isTimeZone, zoneRule)));
const usdRule = "must be a number of USD above 0, 9000000 at most";
const nanoRule = "must be a bigint of nano-USD above 0n, 9000000000000000n at most";
const limitRule = "must be one of { usd: 100 }, { nanoUsd: 100000000000n }, { tokens: 1000000 }";
const windowRule =
  'must be { kind: "hour" | "day" | "week" | "month", timeZone? } or { kind: "rolling", seconds: from 1 to 31622400 }';
const softRule = "must be a share of the limit from 0 to 1";

const limitSchema = v.union(
  [
    v.strictObject({ usd: v.pipe(v.number(), v.minValue(1e-9, usdRule), v.maxValue(9e6, usdRule)) }),
    v.strictObject({
      nanoUsd: v.pipe(v.bigint(), v.minValue(1n, nanoRule), v.maxValue(9_000_000_000_000_000n, nanoRule)),
    }),
    v.strictObject({ tokens: between(1, 9_000_000_000_000_000) }),
  ],
  (issue) => issue.issues?.find(({ message }) => message.startsWith("must be"))?.message ?? limitRule,
);
const budgetSchema = closed(
  {
    name: v.pipe(
      v.string("must be a text"),
      v.regex(/^[\w.:/ -]{1,100}$/, "must be 1 to 100 letters, digits, or any of _ . : / - and blank"),
    ),
    scope: closed(
      { tenant: value, employee: value, project: value, model: value },
      "must be an object, {} for everybody",
    ),
    limit: limitSchema,
    window: v.union(
      [
        v.strictObject({ kind: v.picklist(["hour", "day", "week", "month"]), timeZone }),
        v.strictObject({ kind: v.literal("rolling"), seconds: between(1, 366 * 86_400) }),
      ],
      (issue) => issue.issues?.find(({ message }) => message === zoneRule)?.message ?? windowRule,
    ),
    soft: v.optional(v.pipe(v.number(softRule), v.minValue(0, softRule), v.maxValue(1, softRule)), 0.8),
    hard: v.optional(v.boolean("must be true or false"), true),
  },
  "must be an object",
);
const modes = ["local-share", "fail-open", "fail-closed"] as const;
const given = v.optional(v.unknown());
const optionsSchema = v.strictObject({
  budgets: given,
  store: given,
  redis: given,
  diag: given,
  now: given,
  leaseSeconds: wholeNumber(1, 86_400, 120),
  instances: wholeNumber(1, 1_000_000, 1),
  timeoutMillis: wholeNumber(10, 60_000, 500),
  reconcileSeconds: wholeNumber(1, 86_400, 60),
  whenRedisIsGone: v.optional(v.picklist(modes, `must be one of ${modes.join(", ")}`), "local-share"),
  defaultTenant: v.optional(v.pipe(v.string("must be a text"), v.minLength(1, "must not be empty")), "default"),
});
