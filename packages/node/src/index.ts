export { start } from "./start.ts";
export type { LedgerReading } from "./ledger.ts";
export type { MeterPoint, MeterReading } from "./meter-readings.ts";
export type { Sdk } from "./sdk.ts";
export type { StartOptions } from "./start-options.ts";
