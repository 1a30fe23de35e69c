export { genaiPrices } from "./genai-prices.ts";
