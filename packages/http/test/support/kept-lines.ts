import type { Logger } from "pino";
import { createLogger, type LoggerOptions } from "../../src/logs.ts";

export interface KeptLines {
  readonly logger: Logger;
  /** `logger.info` for applications that are not typed, and hand over anything. */
  readonly untyped: (...given: readonly unknown[]) => void;
  readonly written: readonly string[];
  lines(): readonly Readonly<Record<string, unknown>>[];
}

/** A logger that writes into an array. */
export function keepLines(options: Partial<LoggerOptions> = {}): KeptLines {
  const written: string[] = [];
  const logger = createLogger({ name: "api", destination: { write: (line) => void written.push(line) }, ...options });
  return {
    logger,
    untyped: logger.info.bind(logger),
    written,
    lines: () => written.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>),
  };
}
