import type { Exporter, ExporterContext } from "@meterbridge/exporter";
import type { Attributes, DiagLogger } from "@opentelemetry/api";
import { MeterProvider } from "@meterbridge/sdk-metrics";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AggregationType, type IMetricReader } from "@opentelemetry/sdk-metrics";

/** What the contract suite needs of an exporter. */
export interface ExporterHarness {
  /** Starts a backend of its own that can be read. Called for every test. */
  startBackend(): Promise<ExporterBackend>;
  /** Makes the exporter, aimed at the backend, with an interval of a minute at least and a shutdown of two seconds at most. */
  create(backend: ExporterBackend): Exporter;
  /** A key or password that `create()` gave it, which no message may show. */
  readonly secret?: string;
  /** Kinds of meters that the backend cannot be told. Default none. */
  readonly without?: readonly ContractKind[];
}

/** A backend that takes what an exporter sends, or asks for it. */
export interface ExporterBackend {
  /**
   * What the backend knows of one series by now, under whatever name the exporter gives it: the sum or last value; for a histogram
   * how many values there were and their sum. Undefined while it knows none.
   */
  read(meter: ContractMeter, attributes: Attributes): Promise<Reading | undefined>;
  /** How often something was sent to it, or asked of the exporter: more after the end is a fault. */
  contacts(): number;
  /** Goes wrong in this way from now on; `undefined`: works again. Left out by a backend that the exporter does not call. */
  misbehave?(fault: Fault | undefined): Promise<void> | void;
  stop(): Promise<void>;
}

export type Reading = number | { readonly count: number; readonly sum: number };

/** In which ways a backend goes wrong. Those after the first are answers. */
export const faults = [
  "is down",
  "never answers",
  "answers byte by byte",
  "resets the connection",
  "answers 400",
  "answers 401",
  "answers 413",
  "answers 429 and asks to wait an hour",
  "answers 500",
  "answers 503",
  "answers with garbage",
] as const;
export type Fault = (typeof faults)[number];

export type ContractKind = "counter" | "upDownCounter" | "gauge" | "histogram" | "exponentialHistogram";

/** A meter of the suite. */
export interface ContractMeter {
  readonly kind: ContractKind;
  readonly name: string;
  readonly unit: string;
}

/** An exporter at work: what it is told goes to `told`. */
export interface RunningExporter {
  readonly exporter: Exporter;
  readonly reader: IMetricReader;
  readonly backend: ExporterBackend;
  readonly told: readonly string[];
  /** Adds or records. */
  record(meter: ContractMeter, value: number, attributes?: Attributes): void;
}

/** Runs `use` with an exporter under a meter provider, and ends all of it, whatever happens. */
export async function withExporter(
  harness: ExporterHarness,
  use: (running: RunningExporter) => Promise<void>,
): Promise<void> {
  const backend = await harness.startBackend();
  const told: string[] = [];
  const exporter = harness.create(backend);
  const reader = exporter.createReader(contextOf(told));
  const provider = new MeterProvider({
    readers: [reader],
    resource: resourceFromAttributes({ "service.name": "contract" }),
    views: [{ instrumentName: "contract.exponential", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  });
  const meter = provider.getMeter("contract");
  const instruments = {
    counter: ({ name, unit }: ContractMeter) => meter.createCounter(name, { unit }),
    upDownCounter: ({ name, unit }: ContractMeter) => meter.createUpDownCounter(name, { unit }),
    gauge: ({ name, unit }: ContractMeter) => meter.createGauge(name, { unit }),
    histogram: ({ name, unit }: ContractMeter) =>
      meter.createHistogram(name, { unit, advice: { explicitBucketBoundaries: [1, 5, 10] } }),
    exponentialHistogram: ({ name, unit }: ContractMeter) => meter.createHistogram(name, { unit }),
  };
  try {
    await use({
      exporter,
      reader,
      backend,
      told,
      record(contractMeter, value, attributes) {
        const instrument = instruments[contractMeter.kind](contractMeter);
        if ("add" in instrument) instrument.add(value, attributes);
        else instrument.record(value, attributes);
      },
    });
  } finally {
    await reader.shutdown();
    await backend.stop();
  }
}

/** What a start would tell the exporter; every message goes to `told`. */
export function contextOf(told: string[]): ExporterContext {
  const tell = (...parts: readonly unknown[]): void => void told.push(parts.join(" "));
  const diag: DiagLogger = { error: tell, warn: tell, info: tell, debug: tell, verbose: tell };
  return { resourceAttributes: { "service.name": "contract" }, namespace: "", diag };
}
