import type { BudgetAmount, ReserveRequest } from "./budget.ts";
import type { Charge } from "./budget-counters.ts";
import { type CheckedBudget, scopeNames } from "./budget-options.ts";
import { type WindowAt, windowClock } from "./budget-window.ts";
import { cleanText } from "../clean-text.ts";

/** What a request takes from which budgets: those whose scope it is in. */
export type ChargesOf = (request: ReserveRequest, moment: number) => Promise<readonly Charge[]>;

export function chargesOf(budgets: readonly CheckedBudget[], defaultTenant: string): ChargesOf {
  const known = budgets.map((budget) => ({ budget, windowAt: windowClock(budget.window) }));
  return async (request, moment) => {
    const charges: Charge[] = [];
    for (const { budget, windowAt } of known) {
      const values = valuesIn(budget, request, defaultTenant);
      if (values === undefined) continue;
      const found = windowAt(moment);
      const window = found instanceof Promise ? await found : found;
      charges.push(chargeOf(budget, values, window, amountIn(budget, request.estimate) ?? 0n));
    }
    return charges;
  };
}

/** The amount in the unit that the budget counts; undefined when it is not known. */
export function amountIn({ unit }: CheckedBudget, { nanoUsd, tokens }: BudgetAmount): bigint | undefined {
  if (unit === "nanoUsd") return nanoUsd ?? undefined;
  return typeof tokens === "number" ? BigInt(tokens) : undefined;
}

/** What is wrong with it, undefined when nothing. */
export function amountFault(amount: unknown): string | undefined {
  if (typeof amount !== "object" || amount === null)
    return "must be an object such as { nanoUsd: 1000000n, tokens: 500 }";
  const { nanoUsd, tokens } = amount as { nanoUsd?: unknown; tokens?: unknown };
  if (nanoUsd !== undefined && nanoUsd !== null) {
    const isAmount = typeof nanoUsd === "bigint" && nanoUsd >= 0n && nanoUsd <= mostNanoUsd;
    if (!isAmount) return ".nanoUsd must be a bigint from 0n to 9000000000000000n";
  }
  if (tokens !== undefined && tokens !== null) {
    const isCount = Number.isSafeInteger(tokens) && (tokens as number) >= 0;
    if (!isCount) return ".tokens must be a whole number from 0";
  }
  return undefined;
}

function valuesIn(
  { scope }: CheckedBudget,
  request: ReserveRequest,
  defaultTenant: string,
): Record<string, string | null> | undefined {
  const values: Record<string, string | null> = {};
  for (const name of scopeNames) {
    const wanted = scope[name];
    if (wanted === undefined) continue;
    const given = request[name];
    const value = typeof given === "string" && given !== "" ? cleanText(given) : null;
    values[name] = value ?? (name === "tenant" ? defaultTenant : null);
    if (wanted !== "*" && values[name] !== wanted) return undefined;
  }
  return values;
}

function chargeOf(
  budget: CheckedBudget,
  values: Record<string, string | null>,
  window: WindowAt,
  estimate: bigint,
): Charge {
  // No value is encoded as a lone "%", so that one stands for "not known".
  const encoded = Object.entries(values).map(
    ([name, value]) => `${name}=${value === null ? "%" : encodeURIComponent(value)}`,
  );
  const name = encodeURIComponent(budget.name);
  const key = [name, encoded.join("&"), budget.unit, window.key].join(":");
  const { tenant } = values;
  const tag = typeof tenant === "string" ? `tenant:${encodeURIComponent(tenant)}` : `budget:${name}`;
  return { budget, values, tag, key, window, limit: budget.limit, estimate };
}

const mostNanoUsd = 9_000_000_000_000_000n;
