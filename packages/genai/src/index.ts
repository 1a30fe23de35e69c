export { genaiPrices } from "./prices/genai-prices.ts";
