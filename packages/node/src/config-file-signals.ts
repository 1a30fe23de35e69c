import { otlpTarget, readOtlp, timeOf } from "./config-file-otlp.ts";
import type { Place } from "./config-file-place.ts";
import { type FileReading, refuseKnown } from "./config-file-readers.ts";
import type { FileProcessor, FileSettings, LimitSettings, SpanLimitSettings } from "./config-file-settings.ts";
import type { TracesSampler } from "./environment-variables.ts";

/** The processors of `tracer_provider` or `logger_provider`. */
export function readProcessors(provider: Place, signal: "traces" | "logs", reading: FileReading): FileProcessor[] {
  return provider.list("processors").flatMap((processor) => {
    const [kind = ""] = processor.keys;
    if (kind !== "batch" && kind !== "simple") {
      processor.value(kind);
      reading.note(processor.pathOf(kind), "is not supported: take batch or simple");
      return [];
    }
    return [readProcessor(processor.at(kind), kind, signal, reading)];
  });
}

/** The limits of spans or log records over those of all signals. */
export function readLimits(root: Place, provider: Place): LimitSettings {
  return { ...attributeLimits(root.at("attribute_limits")), ...attributeLimits(provider.at("limits")) };
}

export function readSpanLimits(root: Place, provider: Place): SpanLimitSettings {
  const limits = provider.at("limits");
  return {
    ...readLimits(root, provider),
    ...limit("eventCountLimit", limits.number("event_count_limit")),
    ...limit("linkCountLimit", limits.number("link_count_limit")),
    ...limit("attributePerEventCountLimit", limits.number("event_attribute_count_limit")),
    ...limit("attributePerLinkCountLimit", limits.number("link_attribute_count_limit")),
  };
}

/** Which traces are kept, as far as the names of `OTEL_TRACES_SAMPLER` can say it. */
export function readSampler(provider: Place, { note }: FileReading): FileSettings["sampler"] {
  const sampler = provider.at("sampler");
  const [kind] = sampler.keys;
  if (kind === undefined) return undefined;
  if (kind !== "parent_based") return readRoot(sampler, kind, "", note);
  const parent = sampler.at(kind);
  const root = parent.at("root");
  for (const [key, only] of Object.entries(byParent)) {
    const [found = only] = parent.at(key).keys;
    parent.value(key);
    if (found !== only) note(parent.pathOf(key), `is not supported, ${only} is in force: take a collector for it`);
  }
  const [rootKind = "always_on"] = root.keys;
  return readRoot(root, rootKind, "parentbased_", note);
}

/** What a parent-based sampler does when somebody else has decided. */
const byParent = {
  remote_parent_sampled: "always_on",
  remote_parent_not_sampled: "always_off",
  local_parent_sampled: "always_on",
  local_parent_not_sampled: "always_off",
};

function readRoot(
  place: Place,
  kind: string,
  prefix: "" | "parentbased_",
  note: FileReading["note"],
): FileSettings["sampler"] {
  if (kind === "always_on" || kind === "always_off") {
    place.at(kind);
    return { name: `${prefix}${kind}` satisfies TracesSampler, share: undefined };
  }
  if (kind === "trace_id_ratio_based") {
    return { name: `${prefix}traceidratio`, share: place.at(kind).number("ratio") ?? 1 };
  }
  place.value(kind);
  note(
    place.pathOf(kind),
    "is not supported, parent_based of always_on is in force: take always_on, always_off or trace_id_ratio_based",
  );
  return undefined;
}

function readProcessor(
  place: Place,
  kind: "batch" | "simple",
  signal: "traces" | "logs",
  reading: FileReading,
): FileProcessor {
  const { wrong } = reading;
  const exporter = place.at("exporter");
  const [name = ""] = exporter.keys;
  refuseKnown(exporter, name, wrong);
  if (name !== "otlp_http" && name !== "console") {
    throw wrong(exporter.pathOf(name), "is no exporter that is known here: take otlp_http or console");
  }
  const found = exporter.at(name);
  const limitMillis = kind === "batch" ? timeOf(place, "export_timeout", 30_000) : Infinity;
  const target = name === "otlp_http" ? otlpTarget(readOtlp(found, signal, wrong), found, wrong) : undefined;
  return {
    exporter: name === "console" ? "console" : "otlp",
    otlp: target && { ...target, timeoutMillis: Math.min(target.timeoutMillis, limitMillis) },
    batch:
      kind === "simple"
        ? undefined
        : {
            ...limit("scheduledDelayMillis", place.number("schedule_delay")),
            ...limit("maxQueueSize", place.number("max_queue_size")),
            ...limit("maxExportBatchSize", place.number("max_export_batch_size")),
            ...(Number.isFinite(limitMillis) && { exportTimeoutMillis: limitMillis }),
          },
  };
}

function attributeLimits(place: Place): LimitSettings {
  return {
    ...limit("attributeValueLengthLimit", place.number("attribute_value_length_limit")),
    ...limit("attributeCountLimit", place.number("attribute_count_limit")),
  };
}

function limit<Name extends string>(name: Name, found: number | undefined): { [Key in Name]?: number } {
  return (found === undefined ? {} : { [name]: found }) as { [Key in Name]?: number };
}
