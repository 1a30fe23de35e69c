import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { type Family, gatherFamilies } from "./families.ts";
import type { Buckets } from "./histogram-buckets.ts";
import { createLabelWriter } from "./labels.ts";
import { escapeQuoted } from "./label-values.ts";
import { histogramSeries, numberSeries } from "./merge-points.ts";
import { boundText, valueText } from "./number-text.ts";

/** `text` is the Prometheus text format 0.0.4, `openmetrics` is OpenMetrics 1.0. */
export type ExpositionFormat = "text" | "openmetrics";

export interface RenderOptions {
  /** Default `"text"`. */
  readonly format?: ExpositionFormat;
  /** Add the labels `otel_scope_name` and `otel_scope_version` to every series. Default false. */
  readonly withScopeInfo?: boolean;
  /** Expose the resource's attributes as `target_info`. Default true. */
  readonly withTargetInfo?: boolean;
  /** Told what could not be shown as it was recorded, for example two metrics that end with one name. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Renders collected metrics as text for Prometheus. Pure: same input, same output, nothing kept. Expects cumulative sums.
 *
 * Takes any name, unit, description, attribute key and value: what Prometheus cannot carry is translated, series that end with
 * the same labels are merged, and sums are kept. `docs/exporters/prometheus.md` lists the rules.
 *
 * Sources: Prometheus text format 0.0.4; OpenMetrics 1.0; OpenTelemetry specification, Prometheus and OpenMetrics compatibility.
 */
export function render(resourceMetrics: ResourceMetrics, options: RenderOptions = {}): string {
  const openMetrics = options.format === "openmetrics";
  const withScopeInfo = options.withScopeInfo ?? false;
  const withTargetInfo = options.withTargetInfo ?? true;
  const onWarning = options.onWarning ?? (() => {});
  const writeLabels = createLabelWriter(withScopeInfo ? reservedWithScope : reservedLabels);
  const lines: string[] = [];

  if (withTargetInfo) writeTargetInfo(lines, writeLabels(resourceMetrics.resource.attributes), openMetrics);
  const reservedNames = withTargetInfo ? ["target", "target_info"] : [];
  for (const family of gatherFamilies(resourceMetrics.scopeMetrics, reservedNames, onWarning)) {
    const seriesOptions = { writeLabels, withScopeInfo, onWarning };
    if (family.kind === "histogram") {
      writeHistogram(lines, family, histogramSeries(family, seriesOptions), openMetrics);
    } else {
      writeNumbers(lines, family, numberSeries(family, seriesOptions), openMetrics);
    }
  }
  if (openMetrics) lines.push("# EOF\n");
  return lines.join("");
}

/** These mean something in histograms and summaries, and `promtool check metrics` refuses them anywhere else. */
const reservedLabels: ReadonlySet<string> = new Set(["le", "quantile"]);
const reservedWithScope: ReadonlySet<string> = new Set([...reservedLabels, "otel_scope_name", "otel_scope_version"]);

function writeTargetInfo(lines: string[], labels: string, openMetrics: boolean): void {
  if (labels === "") return;
  const header: Header = openMetrics ? { name: "target", type: "info" } : { name: "target_info", type: "gauge" };
  writeHeader(lines, { ...header, help: "Target metadata" }, openMetrics);
  lines.push(`target_info{${labels}} 1\n`);
}

function writeNumbers(
  lines: string[],
  family: Family,
  series: ReadonlyMap<string, number>,
  openMetrics: boolean,
): void {
  const isCounter = family.kind === "counter";
  const sampleName = isCounter ? `${family.name}_total` : family.name;
  const help = helpOf(family);
  if (!isCounter) {
    writeHeader(lines, { name: family.name, type: "gauge", help, unit: family.unit }, openMetrics);
  } else if (!openMetrics) {
    writeHeader(lines, { name: sampleName, type: "counter", help }, openMetrics);
  } else if (hasOnlyTotals(series)) {
    writeHeader(lines, { name: family.name, type: "counter", help, unit: family.unit }, openMetrics);
  } else {
    // OpenMetrics refuses a counter that is negative or NaN. As an unknown it keeps its sample name and its value.
    writeHeader(lines, { name: sampleName, type: "unknown", help }, openMetrics);
  }
  for (const [labels, value] of series) {
    lines.push(`${sampleName}${labels === "" ? "" : `{${labels}}`} ${valueText(value)}\n`);
  }
}

function writeHistogram(
  lines: string[],
  family: Family,
  series: ReadonlyMap<string, Buckets>,
  openMetrics: boolean,
): void {
  const { name, unit } = family;
  writeHeader(lines, { name, type: "histogram", help: helpOf(family), unit }, openMetrics);
  let writtenBounds: readonly number[] | undefined;
  let ends: readonly string[] = [];
  for (const [labels, buckets] of series) {
    if (buckets.bounds !== writtenBounds) {
      writtenBounds = buckets.bounds;
      ends = [...buckets.bounds.map((bound) => `${boundText(bound, openMetrics)}"} `), '+Inf"} '];
    }
    const bucketStart = labels === "" ? `${name}_bucket{le="` : `${name}_bucket{${labels},le="`;
    let cumulative = 0;
    let text = "";
    for (let index = 0; index < ends.length - 1; index++) {
      cumulative += buckets.counts[index] ?? 0;
      text += `${bucketStart + ends[index] + cumulative}\n`;
    }
    const rest = labels === "" ? " " : `{${labels}} `;
    lines.push(text, `${bucketStart + ends.at(-1) + buckets.count}\n`);
    // OpenMetrics refuses a sum that is not a number.
    if (buckets.sum !== undefined && !(openMetrics && Number.isNaN(buckets.sum))) {
      lines.push(`${name}_sum${rest}`, valueText(buckets.sum), "\n");
    }
    lines.push(`${name}_count${rest}${buckets.count}\n`);
  }
}

interface Header {
  readonly name: string;
  readonly type: string;
  readonly help?: string;
  readonly unit?: string;
}

function writeHeader(lines: string[], { name, type, help = "", unit = "" }: Header, openMetrics: boolean): void {
  const escapedHelp = openMetrics ? escapeQuoted(help) : help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n");
  lines.push(`# HELP ${name} ${escapedHelp}\n# TYPE ${name} ${type}\n`);
  if (openMetrics && unit !== "") lines.push(`# UNIT ${name} ${unit}\n`);
}

/** Without a description, the original name is what helps most: it is what the documentation of the meter says. */
function helpOf(family: Family): string {
  return family.help === "" ? `OpenTelemetry metric ${family.original}` : family.help;
}

function hasOnlyTotals(series: ReadonlyMap<string, number>): boolean {
  for (const value of series.values()) if (!(value >= 0)) return false;
  return true;
}
