import { createRequire } from "node:module";
import type * as genaiPricesPackage from "@pydantic/genai-prices";
import type { ConditionalPrice, ModelInfo, ModelPrice } from "@pydantic/genai-prices";
import { type Decimal, decimalOfListed } from "./exact-decimal.ts";
import type { RateBand, RateCard, TokenKind, TokenRates } from "./rate-card.ts";

/** A model of the list: its rate cards, and when each holds. */
export interface ListedModel {
  /** By the list's own names. */
  readonly provider: string;
  readonly id: string;
  /** In the list's order: the last that holds counts, and the first holds where none does. */
  readonly prices: readonly ListedPrice[];
}

export interface ListedPrice {
  holds(occurredAt: Date): boolean;
  readonly card: RateCard;
}

/** Looks a model up in the list of `@pydantic/genai-prices`; undefined for one it does not have. Takes some ten microseconds. */
export type FindListed = (provider: string, model: string) => ListedModel | undefined;

/** Loads the list, half a megabyte of prices. Synchronously, because a call is priced when it is recorded. */
export function loadListedPrices(): FindListed {
  const { calcPrice } = createRequire(import.meta.url)("@pydantic/genai-prices") as typeof genaiPricesPackage;
  return (provider, model) => {
    const found = calcPrice({}, model, { providerId: provider });
    if (found === null) return undefined;
    const { id, prices } = found.model;
    const dated: readonly ConditionalPrice[] = Array.isArray(prices) ? prices : [{ prices }];
    const searching = found.provider.id === "google" ? searchRate(id) : undefined;
    return {
      provider: found.provider.id,
      id,
      prices: dated.map((price) => listedPrice(price, found.model, searching)),
    };
  };
}

/** The card that holds at this time. */
export function placeOfPrice(prices: readonly ListedPrice[], occurredAt: Date): number {
  for (let place = prices.length - 1; place > 0; place--) {
    if (prices[place]?.holds(occurredAt) === true) return place;
  }
  return 0;
}

function listedPrice({ constraint, prices }: ConditionalPrice, model: ModelInfo, searching?: Decimal): ListedPrice {
  return { holds: holdingOf(constraint), card: cardOf(prices, model, searching) };
}

/**
 * The list has no rate for grounding by Google's search: 14 USD per thousand queries from Gemini 3 on, 35 USD per thousand grounded answers
 * before it, without the free allowance (ai.google.dev/gemini-api/docs/pricing, as quoted by others, 2026-11). Exported for its test.
 */
export function searchRate(model: string): Decimal | undefined {
  const [, generation] = /^gemini-(\d{1,2})\b/.exec(model) ?? [];
  if (generation === undefined || generation === "1") return undefined;
  return { units: generation === "2" ? 35n : 14n, digits: 3 };
}

/** Whether a price of the list holds at a time. Exported for its test. */
export function holdingOf(constraint: ConditionalPrice["constraint"]): ListedPrice["holds"] {
  if (constraint === undefined) return () => true;
  if (constraint.type === "start_date") {
    const start = Date.parse(constraint.start_date);
    return (occurredAt) => occurredAt.getTime() >= start;
  }
  const [from, until] = [millisecondsOfDay(constraint.start_time), millisecondsOfDay(constraint.end_time)];
  return (occurredAt) => {
    const time = ((occurredAt.getTime() % day) + day) % day;
    return from <= until ? time >= from && time < until : time >= from || time < until;
  };
}

const day = 86_400_000;

/** `16:30:00Z`, `08:00:00+08:00` */
function millisecondsOfDay(time: string): number {
  return ((Date.parse(`1970-01-02T${time}`) % day) + day) % day;
}

/** The list's names of the kinds of tokens. What it has besides, hours and pages, no usage of a model call tells. */
const listedKinds: Readonly<Record<TokenKind, string>> = {
  input: "input_mtok",
  output: "output_mtok",
  cacheRead: "cache_read_mtok",
  cacheWrite: "cache_write_mtok",
  cacheWriteHour: "cache_write_1h_mtok",
  reasoning: "output_reasoning_mtok",
  inputAudio: "input_audio_mtok",
  inputImage: "input_image_mtok",
  inputVideo: "input_video_mtok",
  cacheReadAudio: "cache_audio_read_mtok",
  cacheReadImage: "cache_image_read_mtok",
  cacheReadVideo: "cache_video_read_mtok",
  outputAudio: "output_audio_mtok",
  outputImage: "output_image_mtok",
  outputVideo: "output_video_mtok",
};

function cardOf(prices: ModelPrice, { id }: ModelInfo, searching: Decimal | undefined): RateCard {
  const names = Object.entries(prices);
  // Without any rate an entry says nothing, unless its name says that it is free.
  if (names.length === 0 && id.endsWith(":free")) return free;
  const starts = names.flatMap(([, price]) => (typeof price === "object" ? price.tiers.map(({ start }) => start) : []));
  const bands = [-1, ...[...new Set(starts)].toSorted((one, other) => one - other)].map((above): RateBand => {
    const rates = Object.entries(listedKinds).flatMap(([kind, name]) => {
      const rate = rateAt(prices[name], above);
      return rate === undefined ? [] : [[kind, rate] as const];
    });
    return { above, tokens: withHour(Object.fromEntries(rates) as TokenRates, id) };
  });
  return {
    bands,
    perRequest: perOne(rateAt(prices["requests_kcount"], -1)),
    perWebSearch: perOne(rateAt(prices["web_searches_kcount"], -1)) ?? searching,
  };
}

const free: RateCard = {
  bands: [{ above: -1, tokens: { input: { units: 0n, digits: 0 }, output: { units: 0n, digits: 0 } } }],
};

function rateAt(price: ModelPrice[string], above: number): Decimal | undefined {
  if (price === undefined) return undefined;
  if (typeof price === "number") return decimalOfListed(price);
  let { base } = price;
  for (const { start, price: rate } of price.tiers.toSorted((one, other) => one.start - other.start)) {
    if (start <= above) base = rate;
  }
  return decimalOfListed(base);
}

function perOne(perThousand: Decimal | undefined): Decimal | undefined {
  return perThousand && { units: perThousand.units, digits: perThousand.digits + 3 };
}

/**
 * Where the list has no rate for what a Claude model keeps in its cache for an hour, it is twice the input's, which is how Anthropic
 * prices it everywhere: https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing (as quoted in the list, 2026-11).
 */
function withHour(rates: TokenRates, id: string): TokenRates {
  const { input, cacheWrite, cacheWriteHour } = rates;
  if (input === undefined || cacheWrite === undefined || cacheWriteHour !== undefined) return rates;
  return id.includes("claude") ? { ...rates, cacheWriteHour: { ...input, units: input.units * 2n } } : rates;
}
