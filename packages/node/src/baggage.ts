import type { HostPattern } from "./baggage-hosts.ts";
import { registeredApi } from "./registered-api.ts";

/** What the settings say of attribution between services. */
export interface BaggageSettings {
  /** False: it neither leaves nor is taken, whatever the others say. */
  readonly attributionBaggage: boolean;
  readonly baggageHosts: readonly HostPattern[];
  readonly baggageTrusted: boolean;
}

/** What is done about it. The reasons are in docs/decisions/2026-11-21-baggage.md. */
export interface BaggagePlan {
  /** Whether core keeps attribution in OpenTelemetry's baggage as well, where any propagator finds it. */
  readonly inContext: boolean;
  /** The hosts that our own hook sends it to. */
  readonly sendTo: readonly HostPattern[];
  /** Whether our propagator takes what comes in. */
  readonly takesAttribution: boolean;
  readonly warning: string | undefined;
}

/**
 * Attribution leaves to the hosts that are listed, and is taken where callers are trusted. A propagator that somebody else has registered
 * knows neither rule, so core keeps attribution out of its reach, unless there is nothing to keep: every host is listed and callers are trusted.
 */
export function planBaggage({ attributionBaggage, baggageHosts, baggageTrusted }: BaggageSettings): BaggagePlan {
  if (!attributionBaggage) return { inContext: false, sendTo: [], takesAttribution: false, warning: undefined };
  if (registeredApi()?.propagation === undefined) {
    return { inContext: baggageTrusted, sendTo: baggageHosts, takesAttribution: baggageTrusted, warning: undefined };
  }
  const isFree = baggageTrusted && baggageHosts.some(({ name, port }) => name === "*" && port === undefined);
  return {
    inContext: isFree,
    sendTo: isFree ? [] : baggageHosts,
    takesAttribution: false,
    warning:
      baggageTrusted && !isFree
        ? "a propagator is registered already, which would send attribution to every host: what callers send is not taken"
        : undefined,
  };
}
