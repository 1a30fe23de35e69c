export { meterCallbacks, type MeterCallbacks, type MeterCallbacksOptions } from "./adapters/langchain.ts";
