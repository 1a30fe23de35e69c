export { captureFetch } from "./fetch/capture-fetch.ts";
export type { CaptureOptions } from "./fetch/capture-options.ts";
export { endOpenCalls } from "./fetch/capture-state.ts";
export { meterFetch } from "./fetch/meter-fetch.ts";
export { genaiPrices, type GenaiPricesOptions } from "./prices/genai-prices.ts";
export type { DecimalInput, PriceOverride, PriceOverrides } from "./prices/price-override.ts";
export { genAiSpans } from "./spans/gen-ai-spans.ts";
export type { SpanLike, SpanProcessorLike } from "./spans/span-view.ts";
