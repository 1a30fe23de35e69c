import { type DiagLogger, diag as globalDiag } from "@opentelemetry/api";
import { harmlessly } from "./harmlessly.ts";

/** OpenTelemetry's `diag`, whose logger may throw. */
export const diag: Pick<DiagLogger, "error" | "warn"> = {
  error: (message) => harmlessly(() => globalDiag.error(message)),
  warn: (message) => harmlessly(() => globalDiag.warn(message)),
};
