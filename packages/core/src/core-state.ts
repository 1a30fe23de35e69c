import { diag, type Attributes } from "@opentelemetry/api";
import { createAttribution, type AttributionState } from "./attribution.ts";
import { catalogueMeter } from "./catalogue.ts";
import { defaultSettings, mergeSettings, type CoreOptions, type Settings } from "./configuration.ts";
import { createFamily, type Family } from "./family.ts";
import { createInstrument, recordInto, type Instrument, type Recording } from "./instrument.ts";
import type { MeterDefinition } from "./meter-definition.ts";
import { createProviderBinding, type ProviderBinding } from "./provider-binding.ts";
import { createRefusalLog } from "./refusals.ts";
import { createUsageSinks, type UsageSinks } from "./usage-sinks.ts";
import { version } from "./version.ts";
import type { RefusalReason } from "./vocabulary.ts";

/** What the recorders share. One per process. */
export interface CoreState {
  readonly binding: ProviderBinding;
  readonly attribution: AttributionState;
  readonly sinks: UsageSinks;
  settings(): Settings;
  configure(options: CoreOptions): void;
  /** The limit of meters that are recorded together: the smallest that is set for one of them, else the general one. */
  seriesLimit(...meterNames: readonly string[]): number;
  /** The name a meter is registered under: ours and the user's carry the namespace, the conventions' do not. */
  nameOf(meter: MeterDefinition): string;
  /** The series of the meter's instrument with these attributes. Needs a provider. */
  recording(meter: MeterDefinition, attributes: Attributes): Recording;
  /** Counts what could not be recorded as given, where somebody else says so. */
  countRefused(meterName: string, reason: RefusalReason): void;
  /** Counts a value that could not be recorded as given, and says so once per meter and reason. */
  refuse(meterName: string, reason: RefusalReason, error?: unknown): void;
  /** Counts a recording that went to `other` for want of room. */
  seriesDropped(meterName: string): void;
  warn(message: string): void;
}

export function createCoreState(): CoreState {
  let settings = defaultSettings;
  const binding = createProviderBinding({ name: "@meterbridge/core", version });
  const instruments = new Map<string, Instrument>();
  const warn = (message: string): void => diag.warn(`[meterbridge] ${message}`);
  const tell = createRefusalLog(warn);
  binding.onRebind(() => instruments.clear());

  const state: CoreState = {
    binding,
    attribution: createAttribution({
      settings: () => settings,
      generation: () => binding.generation(),
      refuse: (reason) => state.refuse("attribution", reason),
      isBound: () => binding.isBound(),
      notCarried: () =>
        warn(
          "withAttribution has no effect: no OpenTelemetry context manager is registered. start() of @meterbridge/node registers " +
            "one; with an SDK of your own, register AsyncLocalStorageContextManager of @opentelemetry/context-async-hooks",
        ),
    }),
    sinks: createUsageSinks((error) => state.refuse("usage events", "sink_failed", error)),
    settings: () => settings,
    configure(options) {
      settings = mergeSettings(settings, options);
      binding.generation();
      binding.invalidate();
    },
    seriesLimit(...meterNames) {
      const own = new Map(Object.entries(settings.seriesLimits));
      const set = meterNames.flatMap((name) => own.get(name) ?? []);
      return set.length === 0 ? settings.seriesLimit : Math.min(...set);
    },
    nameOf: ({ name }) => (settings.namespace === "" || isShared(name) ? name : `${settings.namespace}.${name}`),
    recording(meter, attributes) {
      let instrument = instruments.get(meter.name);
      if (instrument === undefined) {
        instrument = createInstrument(binding.meter()!, state.nameOf(meter), meter);
        instruments.set(meter.name, instrument);
      }
      return recordInto(instrument, attributes);
    },
    countRefused(meterName, reason) {
      refused.series([meterName, reason]).cells.count(1);
    },
    refuse(meterName, reason, error) {
      try {
        refused.series([meterName, reason]).cells.count(1);
        tell(meterName, reason, error);
      } catch {
        // A provider or a logger that throws: nobody is left to tell.
      }
    },
    seriesDropped(meterName) {
      // Its own overflow would count itself for ever.
      if (meterName !== droppedMeter) dropped.series([meterName]).cells.count(1);
    },
    warn,
  };

  const droppedMeter = "meterbridge.series.dropped";
  const refused = ownFamily(state, "meterbridge.values.refused");
  const dropped = ownFamily(state, droppedMeter);
  return state;
}

function ownFamily(state: CoreState, name: string): Family<"count"> {
  return createFamily(state, { members: { count: { meter: catalogueMeter(name) } }, attribution: false });
}

/** Names that mean the same in every application, so that no namespace goes before them. */
function isShared(name: string): boolean {
  return /^(gen_ai|mcp|http|db|meterbridge)\./.test(name);
}
