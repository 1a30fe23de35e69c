import { ledgerMeters } from "./ledger-meters.ts";
import { budgetMeters } from "./budget-meters.ts";
import { counter, type MeterDefinition } from "./meter-definition.ts";
import { mcpMeters } from "./mcp-meters.ts";
import { modelCallMeters } from "./model-call-meters.ts";
import { serviceMeters } from "./service-meters.ts";
import { refusalReasons } from "./vocabulary.ts";
import { workMeters } from "./work-meters.ts";

/** What Meterbridge tells about itself: nothing is lost in silence. */
const ownMeters: readonly MeterDefinition[] = [
  counter(
    "meterbridge.series.dropped",
    "{recording}",
    "Recordings counted under `other` because the meter reached its series limit",
    { meter: "string" },
  ),
  counter("meterbridge.values.refused", "{value}", "Values and attributes that could not be recorded as given", {
    meter: "string",
    reason: refusalReasons,
  }),
];

/** Recorded by the exporters themselves, who know nothing of this catalogue; a test holds them to it. */
const exporterMeters: readonly MeterDefinition[] = [
  counter("meterbridge.exporter.failures", "{export}", "Exports that were not delivered", { exporter: "string" }),
  counter(
    "meterbridge.exporter.points.dropped",
    "{data_point}",
    "Data points that an export had to leave out, or that the backend rejected",
    { exporter: "string", reason: ["non_finite", "rejected"] },
  ),
];

/**
 * Every meter of `@meterbridge/core` as data, in the order of the documentation. Names and units follow OpenTelemetry;
 * exporters translate them.
 */
export const catalogue: readonly MeterDefinition[] = [
  ...modelCallMeters,
  ...workMeters,
  ...mcpMeters,
  ...serviceMeters,
  ...ownMeters,
  ...exporterMeters,
  ...budgetMeters,
  ...ledgerMeters,
];

const byName: ReadonlyMap<string, MeterDefinition> = new Map(catalogue.map((meter) => [meter.name, meter]));

/** The meter of that name, if the catalogue has it. */
export function findCatalogueMeter(name: string): MeterDefinition | undefined {
  return byName.get(name);
}

/** The meter of that name. Throws when there is none: a recorder without a meter is our own mistake, seen at load. */
export function catalogueMeter(name: string): MeterDefinition {
  const meter = byName.get(name);
  if (meter === undefined) throw new Error(`[meterbridge] the catalogue has no meter ${name}`);
  return meter;
}
