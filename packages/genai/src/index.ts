export { captureFetch } from "./fetch/capture-fetch.ts";
export type { CaptureOptions } from "./fetch/capture-options.ts";
export { endOpenCalls } from "./fetch/capture-state.ts";
export { meterFetch } from "./fetch/meter-fetch.ts";
export { genaiPrices } from "./prices/genai-prices.ts";
export { genAiSpans } from "./spans/gen-ai-spans.ts";
export type { SpanLike, SpanProcessorLike } from "./spans/span-view.ts";
