import { prometheusWord } from "./label-names.ts";
import { unitName } from "./unit-names.ts";

/** What a metric is, which is finer than a Prometheus type: an up-down counter is exposed as a gauge but adds up. */
export type MetricKind = "counter" | "histogram" | "up_down_counter" | "gauge";

export interface ExposedName {
  /** The family's name with its unit suffix, without the `_total` of a counter. */
  readonly family: string;
  /** The unit suffix that `family` ends with, or `""`. */
  readonly unit: string;
}

/**
 * The Prometheus name of a metric: `llm.cost` in `USD` → `llm_cost_usd`, `task.success_ratio` in `1` → `task_success_ratio`.
 * A unit that the name ends with already is not repeated; `1` means a ratio for gauges alone; a counter's own `_total` is
 * taken off, since the renderer adds it.
 *
 * Source: OpenTelemetry specification, Prometheus and OpenMetrics compatibility, "Metric Metadata".
 */
export function exposedName(name: string, unit: string, kind: MetricKind): ExposedName {
  const isCounter = kind === "counter";
  const plain = tidy(isCounter ? withoutTotal(prometheusWord(name)) : prometheusWord(name));
  let unitSuffix = unitName(unit);
  if (unitSuffix === "ratio" && kind !== "gauge") unitSuffix = "";
  if (unitSuffix === "" || reservedSuffixes.has(unitSuffix)) return { family: plain, unit: "" };
  if (plain === unitSuffix) return { family: plain, unit: "" };
  if (plain.endsWith(`_${unitSuffix}`)) return { family: plain, unit: unitSuffix };
  return { family: tidy(`${plain}_${unitSuffix}`), unit: unitSuffix };
}

/** Suffixes that mean something in the exposition formats and so cannot be a unit. */
const reservedSuffixes: ReadonlySet<string> = new Set(["total", "created", "bucket", "sum", "count", "info"]);

function withoutTotal(name: string): string {
  return name.endsWith("_total") && name !== "_total" ? name.slice(0, -"_total".length) : name;
}

/** One `_` where a cut or a joined suffix left two, and none at the end. */
function tidy(name: string): string {
  const single = name.replace(/__+/g, "_");
  return single.length > 1 && single.endsWith("_") ? single.slice(0, -1) : single;
}
