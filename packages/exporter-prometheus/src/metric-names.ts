import { escapeMetricName } from "./escape-names.ts";
import { defaultNaming, hasSuffixes, isWordsOnly, type Naming, translated } from "./naming.ts";
import { prometheusWord } from "./prometheus-word.ts";
import { unitName } from "./unit-names.ts";

/** What a metric is, which is finer than a Prometheus type: an up-down counter is exposed as a gauge but adds up. */
export type MetricKind = "counter" | "histogram" | "up_down_counter" | "gauge";

export interface ExposedName {
  /** The family's name with its unit suffix, without the `_total` of a counter. */
  readonly family: string;
  /** What a sample of a counter is called, or of any other kind without suffixes of its own. */
  readonly sample: string;
  /** The unit suffix that `family` ends with, or `""`. */
  readonly unit: string;
}

/**
 * The Prometheus name of a metric: `llm.cost` in `USD` → `llm_cost_usd`, `task.success_ratio` in `1` → `task_success_ratio`.
 * A unit that the name ends with already is not repeated; `1` means a ratio for gauges alone; a counter's own `_total` is
 * taken off and added again at the end.
 *
 * Source: OpenTelemetry specification, Prometheus and OpenMetrics compatibility, "Metric Metadata".
 */
export function exposedName(name: string, unit: string, kind: MetricKind, naming: Naming = defaultNaming): ExposedName {
  const plain = translated(name, naming);
  if (!hasSuffixes(naming)) return nameOf(isWordsOnly(naming) ? tidy(plain) : plain, kind, "", naming);
  const base = kind === "counter" ? withoutTotal(plain) : plain;
  const start = isWordsOnly(naming) ? tidy(base) : base;
  const suffix = unitSuffix(unit, kind);
  if (suffix === "" || start === suffix) return nameOf(withTotal(start, kind), kind, "", naming);
  if (new RegExp(`[._]${suffix}$`).test(start)) return nameOf(withTotal(start, kind), kind, suffix, naming);
  const joined = `${start}_${suffix}`;
  return nameOf(withTotal(isWordsOnly(naming) ? tidy(joined) : joined, kind), kind, suffix, naming);
}

function nameOf(full: string, kind: MetricKind, unit: string, naming: Naming): ExposedName {
  const sample = escapeMetricName(full, naming.escaping);
  const family = kind === "counter" && sample.length > 6 && sample.endsWith("_total") ? sample.slice(0, -6) : sample;
  // OpenMetrics reads a unit off the name's end.
  return { family, sample, unit: unit !== "" && family.endsWith(`_${unit}`) ? unit : "" };
}

function unitSuffix(unit: string, kind: MetricKind): string {
  const suffix = unitName(unit);
  return (suffix === "ratio" && kind !== "gauge") || reservedSuffixes.has(suffix) ? "" : suffix;
}

/** Suffixes that mean something in the exposition formats and so cannot be a unit. */
const reservedSuffixes: ReadonlySet<string> = new Set(["total", "created", "bucket", "sum", "count", "info"]);

function withoutTotal(name: string): string {
  return /.[._]total$/.test(name) ? name.slice(0, -"_total".length) : name;
}

function withTotal(name: string, kind: MetricKind): string {
  return kind === "counter" ? `${name}_total` : name;
}

/** One `_` where a cut or a joined suffix left two, and none at the end. */
function tidy(name: string): string {
  const single = name.replace(/__+/g, "_");
  return single.length > 1 && single.endsWith("_") ? single.slice(0, -1) : single;
}

/** A unit that became no suffix, as one: for telling two metrics of one name apart. */
export function unitWord(unit: string): string {
  return prometheusWord(unit).replace(/^_+|_+$/g, "");
}
