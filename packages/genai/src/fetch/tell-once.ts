import { diag } from "@opentelemetry/api";
import type { CallRoute } from "../wire/wire-format.ts";
import { type CaptureState, remember } from "./capture-state.ts";

/** Tells once for each provider and reason what of its answers could not be read. */
export function tellUnreadable(state: CaptureState, { provider, format }: CallRoute, reason: string | undefined): void {
  if (reason === undefined) return;
  const key = `${provider} ${format.name} ${reason}`;
  if (state.told.has(key)) return;
  remember(state.told, key, 200);
  diag.warn(
    `[meterbridge] [capture] an answer of ${provider} (${format.name}) could not be read in full: ${reason} (told once)`,
  );
}
