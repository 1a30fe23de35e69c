export { start } from "./start.ts";
export type { Sdk } from "./sdk.ts";
export type { StartOptions } from "./start-options.ts";
