export { createLogger } from "./logs/create-logger.ts";
export type { LoggerOptions, LogLevel } from "./logs/logger-options.ts";
export { currentRequestId } from "./context/request-context.ts";
