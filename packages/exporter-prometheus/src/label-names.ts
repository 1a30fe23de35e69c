import { escapeLabelName } from "./escape-names.ts";
import { defaultNaming, type Naming, translated } from "./naming.ts";

/**
 * The Prometheus label for an attribute key. Unless the translation strategy keeps names as they are, every character outside
 * `[a-zA-Z0-9_]` becomes `_` and runs of `_` become one, a leading digit gets `_` in front, an empty key is `_`. A reserved label gets
 * `exported_` in front, as Prometheus itself does, and what begins with `__` gets `exported`, since Prometheus keeps such labels for
 * itself. Cut at 255 characters.
 *
 * Different keys may give the same label; `createLabelWriter` joins their values.
 *
 * Source: OpenTelemetry specification, Prometheus and OpenMetrics compatibility, "Metric Attributes".
 */
export function labelName(key: string, reserved: ReadonlySet<string>, naming: Naming = defaultNaming): string {
  const name = translated(key, naming);
  const free = escapeLabelName(reserved.has(name) ? `exported_${name}` : name, naming.escaping);
  if (reserved.has(free)) return `exported_${free}`;
  return free.startsWith("__") ? `exported${free}` : free;
}

/** Names that attributes may not take: as they are, and as the scraper reads them. */
export function reservedLabels(names: readonly string[], naming: Naming): ReadonlySet<string> {
  return new Set(names.flatMap((name) => [name, escapeLabelName(name, naming.escaping)]));
}
