import type { Attributes } from "@opentelemetry/api";
import type { InstrumentType, ViewOptions } from "@opentelemetry/sdk-metrics";
import type { ExemplarFilter } from "@meterbridge/sdk-metrics";
import type { LogLevel, TracesSampler } from "./environment-variables.ts";

/** What a configuration file says, in our words. What it does not say is undefined. */
export interface FileSettings {
  /** The file, for messages. */
  readonly file: string;
  /** What has no effect and why, a line each. */
  readonly warnings: readonly string[];
  readonly disabled: boolean;
  readonly logLevel: LogLevel | undefined;
  readonly resourceAttributes: Attributes;
  /** Which of the resource's attributes that this process finds out by itself are kept. */
  readonly detects: (attribute: string) => boolean;
  readonly exporters: readonly FileExporter[];
  readonly views: readonly ViewOptions[];
  readonly exemplarFilter: ExemplarFilter | undefined;
  readonly propagators: readonly PropagatorName[] | undefined;
  readonly spans: readonly FileProcessor[];
  readonly spanLimits: SpanLimitSettings;
  readonly sampler: { readonly name: TracesSampler; readonly share: number | undefined } | undefined;
  readonly logs: readonly FileProcessor[];
  readonly logLimits: LimitSettings;
  readonly semconvOptIn: readonly string[] | undefined;
}

export type PropagatorName = "tracecontext" | "baggage";

/** A reader of the file: an exporter by its name, with its options. */
export interface FileExporter {
  readonly exporterName: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** File and place, for messages. */
  readonly from: string;
  readonly reader: ReaderSettings;
}

/** What the file says of a reader beside its exporter's options. */
export interface ReaderSettings {
  readonly intervalMillis?: number | undefined;
  readonly limitDefault?: number | undefined;
  readonly limits?: Readonly<Partial<Record<InstrumentType, number>>>;
  readonly exponentialHistograms?: boolean;
  readonly temporality?: "cumulative" | "delta" | "low_memory" | undefined;
}

/** A processor of spans or log records. */
export interface FileProcessor {
  readonly exporter: "otlp" | "console";
  readonly batch: BatchSettings | undefined;
  readonly otlp: OtlpTarget | undefined;
}

export interface BatchSettings {
  readonly scheduledDelayMillis?: number;
  readonly maxQueueSize?: number;
  readonly maxExportBatchSize?: number;
  readonly exportTimeoutMillis?: number;
}

export interface OtlpTarget {
  readonly url: string;
  readonly protocol: "http/protobuf" | "http/json";
  readonly headers: Record<string, string>;
  readonly compression: "gzip" | "none";
  readonly timeoutMillis: number;
  readonly tls: TlsMaterial;
}

export interface TlsMaterial {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export interface LimitSettings {
  readonly attributeValueLengthLimit?: number;
  readonly attributeCountLimit?: number;
}

export interface SpanLimitSettings extends LimitSettings {
  readonly eventCountLimit?: number;
  readonly linkCountLimit?: number;
  readonly attributePerEventCountLimit?: number;
  readonly attributePerLinkCountLimit?: number;
}
