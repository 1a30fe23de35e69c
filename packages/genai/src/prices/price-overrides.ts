import { readFileSync } from "node:fs";
import * as v from "valibot";
import type { Decimal } from "./exact-decimal.ts";
import type { PriceOverride, PriceOverrides } from "./price-override.ts";
import { exactDecimal, priceOverridesSchema } from "./price-overrides-schema.ts";
import { priceFunction, type PriceFunction } from "./price-function.ts";
import { standardFactor, type TokenRates } from "./rate-card.ts";
import { servedTier } from "./service-tiers.ts";

/** An override, ready to price. */
export interface OwnPrice {
  fits(provider: string, model: string): boolean;
  /** Undefined: standard. */
  readonly tier: string | undefined;
  holds(occurredAt: Date): boolean;
  readonly price: PriceFunction;
}

export interface OwnPrices {
  readonly prices: readonly OwnPrice[];
  /** Eight hexadecimal digits of what they say: other prices have others. */
  readonly hash: string;
}

/**
 * The prices of an object, then those of a file; undefined where there are none.
 *
 * @throws Error that names option or file, path and what is expected, a line for each mistake.
 */
export function readOwnPrices(overrides: PriceOverrides | undefined, file: string | undefined): OwnPrices | undefined {
  const given: PriceOverride[] = [];
  if (overrides !== undefined) given.push(...check('option "overrides"', overrides).prices);
  if (file !== undefined) given.push(...check(file, parse(file)).prices);
  if (given.length === 0) return undefined;
  // Loaded where there are overrides: at the start it would take longer than all the rest.
  const { createHash } = process.getBuiltinModule("node:crypto");
  const hash = createHash("sha256").update(JSON.stringify(given)).digest("hex").slice(0, 8);
  return { prices: given.map(ownPrice), hash };
}

function ownPrice({ provider, model, from, until, tier, ...rates }: PriceOverride): OwnPrice {
  const [isProvider, isModel] = [matcher(provider), matcher(model)];
  const [start, end] = [
    from === undefined ? -Infinity : Date.parse(from),
    until === undefined ? Infinity : Date.parse(until),
  ];
  const tokens = Object.entries(rates.perMillionTokens ?? {}).flatMap(([kind, rate]) =>
    rate === undefined ? [] : [[kind, exactDecimal(rate)] as const],
  );
  const card = {
    bands: [{ above: -1, tokens: Object.fromEntries(tokens) as TokenRates }],
    perRequest: exact(rates.perRequest),
    perWebSearch: exact(rates.perWebSearch),
  };
  return {
    fits: (ofProvider, ofModel) => isProvider(ofProvider) && isModel(ofModel),
    tier: servedTier(tier),
    holds: (occurredAt) => occurredAt.getTime() >= start && occurredAt.getTime() < end,
    price: priceFunction(card, standardFactor),
  };
}

function exact(rate: PriceOverride["perRequest"]): Decimal | undefined {
  return rate === undefined ? undefined : exactDecimal(rate);
}

function matcher(pattern: string): (name: string) => boolean {
  if (!pattern.endsWith("*")) return (name) => name === pattern;
  const beginning = pattern.slice(0, -1);
  return (name) => name.startsWith(beginning);
}

function parse(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new Error(`[meterbridge] [genai] [prices] cannot read the prices of ${file}: ${code}`, { cause: error });
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new Error(`[meterbridge] [genai] [prices] ${file} is no JSON: ${String(error)}`, { cause: error });
  }
}

function check(where: string, given: unknown): PriceOverrides {
  const checked = v.safeParse(priceOverridesSchema, given, { abortPipeEarly: true });
  if (checked.success) return checked.output;
  const lines = checked.issues.map((issue) => {
    const path = v.getDotPath(issue);
    const isUnknown = issue.type === "strict_object" && issue.expected === "never";
    const isMissing = issue.type === "strict_object" && issue.received === "undefined";
    const problem = isUnknown
      ? "is unknown"
      : isMissing
        ? "is missing"
        : `${issue.message}, found ${shown(issue.input)}`;
    return `[meterbridge] [genai] [prices] ${where}: ${path ?? "all of it"} ${problem}`;
  });
  throw new Error(lines.join("\n"));
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text;
}
