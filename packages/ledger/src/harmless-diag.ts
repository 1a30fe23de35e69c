import { type DiagLogger, diag as globalDiag } from "@opentelemetry/api";

/** OpenTelemetry's `diag`, for which a logger of the application that throws is no reason to lose an event, or to end the process. */
export const diag: Pick<DiagLogger, "error" | "warn"> = {
  error: (message) => harmlessly(() => globalDiag.error(message)),
  warn: (message) => harmlessly(() => globalDiag.warn(message)),
};

function harmlessly(tell: () => void): void {
  try {
    tell();
  } catch {
    // Whom should it be told?
  }
}
