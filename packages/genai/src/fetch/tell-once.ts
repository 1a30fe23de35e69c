import { llm } from "@meterbridge/core";
import { diag } from "@opentelemetry/api";
import type { CallRoute } from "../wire/wire-format.ts";
import { type CaptureState, remember } from "./capture-state.ts";

/** Counts answers that could not be read in full, and tells once for each provider and reason. */
export function tellUnreadable(state: CaptureState, { provider, format }: CallRoute, reason: string | undefined): void {
  if (reason === undefined) return;
  llm.unreadable();
  const key = `${provider} ${format.name} ${reason}`;
  if (state.told.has(key)) return;
  remember(state.told, key, 200);
  diag.warn(
    `[meterbridge] [capture] an answer of ${provider} (${format.name}) could not be read in full: ${reason} (told once)`,
  );
}
