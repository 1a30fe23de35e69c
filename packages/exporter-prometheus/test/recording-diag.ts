import type { DiagLogger } from "@opentelemetry/api";

export interface RecordingDiag extends DiagLogger {
  /** What was logged, each line with its level in front. */
  readonly lines: string[];
}

/** A diagnostics log that keeps what it is told. */
export function recordingDiag(): RecordingDiag {
  const lines: string[] = [];
  const at =
    (level: string) =>
    (message: string, ...rest: unknown[]): void => {
      lines.push([level, message, ...rest].map(String).join(" "));
    };
  return { lines, error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug"), verbose: at("verbose") };
}
