import { diag, DiagLogLevel } from "@opentelemetry/api";
import { onTestFinished } from "vitest";

/** What is told on `diag` from now until the test ends. */
export function toldLines(): string[] {
  const lines: string[] = [];
  const keep = (message: string): void => void lines.push(message);
  const logger = { error: keep, warn: keep, info: keep, debug: keep, verbose: keep };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  onTestFinished(() => diag.disable());
  return lines;
}
