import type { PriceBook, PricedCall } from "@meterbridge/core";
import { createNameCache } from "./bounded-names.ts";
import { type FindListed, type ListedModel, loadListedPrices, placeOfPrice } from "./listed-prices.ts";
import { type MissingRate, priceFunction, type PriceFunction } from "./price-function.ts";
import type { PriceOverrides } from "./price-override.ts";
import { type OwnPrice, readOwnPrices } from "./price-overrides.ts";
import { listedModel, listedProvider } from "./provider-names.ts";
import { servedTier, tierFactor } from "./service-tiers.ts";
import { createUnpricedNotices } from "./unpriced-notices.ts";

export interface GenaiPricesOptions {
  /** Prices of your own, which go before the price list. */
  readonly overrides?: PriceOverrides;
  /**
   * A JSON file of such prices, of the form of `docs/price-overrides.schema.json`. They come after those of `overrides`. Read
   * once, now.
   */
  readonly overridesFile?: string;
}

/**
 * The default price book: `@pydantic/genai-prices`, offline, exact to its pinned version, and by the service tier that served. Its half
 * a megabyte of prices is loaded at the first priced call, or by `prepare()` in the background before that. What has no known
 * price, a model, a tier, a kind of usage, makes the call null, never 0, and is told once on `diag`.
 *
 * @throws Error for overrides that are wrong, with file, path and what is expected.
 */
export function genaiPrices(options: GenaiPricesOptions = {}): PriceBook {
  const own = readOwnPrices(options.overrides, options.overridesFile);
  const tell = createUnpricedNotices();
  let find: FindListed | undefined;
  const loaded = (): FindListed => (find ??= loadListedPrices());
  const modelOf = createNameCache(mostModels, (provider, model) =>
    pricedModel(provider, model, own?.prices ?? [], loaded),
  );

  const price = (call: PricedCall): bigint | null => {
    const { provider, model, occurredAt } = call;
    // Callers without types may say null.
    const responseModel = call.responseModel ?? undefined;
    const tier = servedTier(call.serviceTier);
    const asked = modelOf(provider, model);
    const answered = responseModel === undefined || responseModel === model ? asked : modelOf(provider, responseModel);
    const found =
      answered.ownPrice(tier, occurredAt) ??
      asked.ownPrice(tier, occurredAt) ??
      (answered.isListed() ? answered : asked).listedPrice(tier, occurredAt);
    const cost = typeof found === "function" ? found(call) : found;
    if (typeof cost === "bigint") return cost;
    tell(provider, responseModel ?? model, reasons[cost] ?? `no rate is known for its ${cost}`);
    return null;
  };

  return {
    name: `genai-prices@${genaiPricesVersion}${own === undefined ? "" : `+overrides-${own.hash}`}`,
    price,
    prepare() {
      if (find === undefined) setImmediate(loaded).unref();
    },
    knows({ provider, model }) {
      const known = modelOf(provider, model);
      return known.isOwn || known.isListed();
    },
  };
}

/** The pinned version, written on every priced call. A test holds it against the installed package. */
export const genaiPricesVersion = "0.1.8";

type Unpriced = MissingRate | "model" | "tier";

interface PricedModel {
  readonly isOwn: boolean;
  isListed(): boolean;
  ownPrice(tier: string | undefined, occurredAt: Date): PriceFunction | undefined;
  listedPrice(tier: string | undefined, occurredAt: Date): PriceFunction | Unpriced;
}

/** All that is known of a model's prices, made as far as it is asked for. */
function pricedModel(
  provider: string,
  model: string,
  ownPrices: readonly OwnPrice[],
  find: () => FindListed,
): PricedModel {
  const own = ownPrices.filter((price) => price.fits(provider, model));
  let isLookedUp = false;
  let listed: ListedModel | undefined;
  const tiers = new Map<string | undefined, readonly PriceFunction[] | "tier">();

  const lookUp = (): ListedModel | undefined => {
    if (!isLookedUp) {
      const ofList = listedProvider(provider);
      listed = find()(ofList, listedModel(ofList, model));
      isLookedUp = true;
    }
    return listed;
  };

  const pricesOf = (found: ListedModel, tier: string | undefined): readonly PriceFunction[] | "tier" => {
    const known = tiers.get(tier);
    if (known !== undefined) return known;
    const factor = tierFactor(found.provider, listedModel(found.provider, model), tier);
    const made = factor === undefined ? "tier" : found.prices.map(({ card }) => priceFunction(card, factor));
    // Tiers come from outside too.
    if (tiers.size >= mostTiers) tiers.clear();
    tiers.set(tier, made);
    return made;
  };

  return {
    isOwn: own.length > 0,
    isListed: () => lookUp() !== undefined,
    ownPrice: (tier, occurredAt) =>
      own.length === 0 ? undefined : own.find((price) => price.tier === tier && price.holds(occurredAt))?.price,
    listedPrice(tier, occurredAt) {
      const found = lookUp();
      if (found === undefined) return "model";
      const prices = pricesOf(found, tier);
      return prices === "tier" ? prices : (prices[placeOfPrice(found.prices, occurredAt)] ?? "model");
    },
  };
}

const reasons: Readonly<Partial<Record<Unpriced, string>>> = {
  model: "the price list does not have the model",
  tier: "no rate is known for its service tier",
  longContext: "no rate is known for a context of this length in its service tier",
  webSearches: "no rate is known for its web searches",
  cacheWriteHour: "no rate is known for what it keeps in a cache for an hour",
  input: "the list has no rate for its input",
  output: "the list has no rate for its output",
};

const mostModels = 2000;
const mostTiers = 16;
