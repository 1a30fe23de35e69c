import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { type ByteWriter, createByteWriter, finish, writeText } from "./byte-writer.ts";
import { type Family, gatherFamilies, type Member } from "./families.ts";
import { type LabelForm, protobufLabels, textLabels } from "./label-forms.ts";
import { labelName, reservedLabels } from "./label-names.ts";
import { labelValue } from "./label-values.ts";
import { createLabelWriter, type LabelWriter } from "./labels.ts";
import { histogramPoints, numberPoints } from "./merge-points.ts";
import type { Naming } from "./naming.ts";
import { planHolds, type PlannedMember, planSeries, type SeriesPlan } from "./series-plan.ts";
import { writeHeader, writeHistograms, writeNumbers } from "./write-text.ts";
import { writeHistogramFamily, writeInfo, writeNumberFamily } from "./write-protobuf.ts";

/** `text` is the Prometheus text format, `openmetrics` is OpenMetrics 1.0, `protobuf` is Prometheus's own. */
export type ExpositionFormat = "text" | "openmetrics" | "protobuf";

export interface RenderSettings {
  readonly format: ExpositionFormat;
  readonly naming: Naming;
  readonly withScopeInfo: boolean;
  readonly withTargetInfo: boolean;
  readonly withCreated: boolean;
  readonly onWarning: (message: string) => void;
}

/** Plans of families by name, kept from one rendering to the next. */
export interface KeptPlans {
  get(family: string): SeriesPlan | undefined;
  /** Told of the plan that was used, and of all that were when the rendering is done. */
  set(family: string, plan: SeriesPlan): void;
}

/**
 * Renders collected metrics in steps of well under a millisecond each, so that who runs it can let others have a turn. The metrics
 * may not change meanwhile. Gives the bytes in pieces.
 */
export function* renderSteps(
  { resource, scopeMetrics }: ResourceMetrics,
  settings: RenderSettings,
  kept: KeptPlans,
): Generator<void, Buffer[]> {
  const { format, naming, withTargetInfo, onWarning } = settings;
  const form = format === "protobuf" ? protobufLabels : textLabels;
  const names = settings.withScopeInfo ? [...formatLabels, ...Object.values(scopeNames)] : formatLabels;
  const writeLabels = createLabelWriter(reservedLabels(names, naming), naming, form);
  const writer = createByteWriter();
  const options = { openMetrics: format === "openmetrics", withCreated: settings.withCreated, naming };

  if (withTargetInfo) writeTargetInfo(writer, writeLabels(resource.attributes), form, settings);
  const reservedNames = withTargetInfo ? ["target", "target_info"] : [];
  for (const family of gatherFamilies(scopeMetrics, reservedNames, onWarning, naming)) {
    const plan = yield* planOf(family, writeLabels, form, settings, kept);
    if (family.kind === "histogram") {
      const points = yield* histogramPoints(family, plan);
      if (format === "protobuf") yield* writeHistogramFamily(writer, family, plan, points, naming);
      else yield* writeHistograms(writer, family, plan, points, options);
    } else {
      const points = yield* numberPoints(family, plan, onWarning);
      if (format === "protobuf") yield* writeNumberFamily(writer, family, plan, points, naming);
      else yield* writeNumbers(writer, family, plan, points, options);
    }
    yield;
  }
  if (format === "openmetrics") writeText(writer, "# EOF\n");
  return finish(writer);
}

/** These mean something in histograms and summaries, and `promtool check metrics` refuses them anywhere else. */
const formatLabels: readonly string[] = ["le", "quantile"];
const scopeNames = { name: "otel_scope_name", version: "otel_scope_version" };

function* planOf(
  family: Family,
  writeLabels: LabelWriter,
  form: LabelForm,
  settings: RenderSettings,
  kept: KeptPlans,
): Generator<void, SeriesPlan> {
  const members = family.members.map((member): PlannedMember => ({
    points: member.metric.dataPoints,
    scopeLabels: scopeLabels(member, form, settings),
  }));
  const previous = kept.get(family.name);
  if (previous !== undefined && planHolds(previous, members)) {
    kept.set(family.name, previous);
    return previous;
  }
  const { separator, encoding } = form;
  const plan = yield* planSeries(members, previous, { writeLabels, separator, encoding });
  if (plan.isLasting) kept.set(family.name, plan);
  return plan;
}

function writeTargetInfo(
  writer: ByteWriter,
  labels: string,
  form: LabelForm,
  { format, naming }: RenderSettings,
): void {
  if (labels === "") return;
  const help = "Target metadata";
  if (format === "protobuf") {
    writeInfo(writer, "target_info", help, Buffer.from(labels, form.encoding));
    return;
  }
  const openMetrics = format === "openmetrics";
  const header = openMetrics ? { name: "target", type: "info", help } : { name: "target_info", type: "gauge", help };
  writeHeader(writer, header, { openMetrics, withCreated: false, naming });
  writeText(writer, `target_info{${labels}} 1\n`);
}

function scopeLabels({ scope }: Member, form: LabelForm, { withScopeInfo, naming }: RenderSettings): string {
  if (!withScopeInfo) return "";
  const none: ReadonlySet<string> = new Set();
  return (
    [
      [scopeNames.name, labelValue(scope.name)],
      [scopeNames.version, labelValue(scope.version)],
    ] as const
  )
    .filter(([, value]) => value !== "")
    .map(([name, value]) => form.label(labelName(name, none, naming), value))
    .join(form.separator);
}
