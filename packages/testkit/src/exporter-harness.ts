import type { Exporter, ExporterContext } from "@meterbridge/exporter";
import type { Attributes, DiagLogger } from "@opentelemetry/api";
import { MeterProvider } from "@meterbridge/sdk-metrics";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AggregationType, type IMetricReader } from "@opentelemetry/sdk-metrics";

/** What the contract suite needs of an exporter. */
export interface ExporterHarness<Backend extends ExporterBackend = ExporterBackend> {
  /** Starts a backend of its own that can be read. Called for every test. */
  startBackend(): Promise<Backend>;
  /**
   * Makes the exporter, aimed at the backend, with an interval of a minute at least and a shutdown of two seconds at most: the shorter it is, the
   * sooner the tests of backends that hang are through.
   */
  create(backend: Backend): Exporter;
  /** A key or password that `create()` gave it, which no message may show. */
  readonly secret?: string;
  /** What the backend cannot be told: kinds of meters, or units. Default nothing: a part that is just missing fails its tests. */
  readonly without?: readonly (ContractKind | "unit")[];
  /** In which ways the backend can go wrong. Default all; none for an exporter that calls nobody, or is told nothing by what it calls. */
  readonly faults?: readonly Fault[];
  /** The backend fetches what it wants to know, so that nothing is sent at the end. Default false. */
  readonly isScraped?: boolean;
}

/** A backend that takes what an exporter sends, or asks for it. */
export interface ExporterBackend {
  /**
   * What the backend knows of one series by now, under whatever name the exporter gives it: the sum or last value; for a histogram
   * how many values there were and their sum. Undefined while it knows none.
   */
  read(meter: ContractMeter, attributes: Attributes): Promise<Reading | undefined>;
  /** The unit that it was told of a meter, as recorded. Left out with `without: ["unit"]`. */
  unitOf?(meter: ContractMeter): Promise<string | undefined>;
  /** How often something was sent to it: more after the end is a fault. */
  contacts(): number;
  /** Goes wrong in this way from now on; `undefined`: works again, and knows what it knew. Left out where there are no faults. */
  misbehave?(fault: Fault | undefined): Promise<void> | void;
  stop(): Promise<void>;
}

export type Reading = number | { readonly count: number; readonly sum: number };

/** In which ways a backend goes wrong. What it takes but for a part, or answers with garbage and a 200, it has taken. */
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
  "rejects a part",
] as const;
export type Fault = (typeof faults)[number];

export type ContractKind = "counter" | "upDownCounter" | "gauge" | "histogram" | "exponentialHistogram";

/** A meter of the suite. */
export interface ContractMeter {
  readonly kind: ContractKind;
  readonly name: string;
  readonly unit: string;
}

/** Meters of each kind, as applications have them. */
export const contractMeters: Readonly<Record<ContractKind, ContractMeter>> = {
  counter: { kind: "counter", name: "contract.orders", unit: "{order}" },
  upDownCounter: { kind: "upDownCounter", name: "contract.open", unit: "{order}" },
  gauge: { kind: "gauge", name: "contract.temperature", unit: "Cel" },
  histogram: { kind: "histogram", name: "contract.duration", unit: "s" },
  exponentialHistogram: { kind: "exponentialHistogram", name: "contract.exponential", unit: "By" },
};

/** An exporter at work: what it tells goes to `told`. */
export interface RunningExporter {
  readonly exporter: Exporter;
  readonly reader: IMetricReader;
  readonly backend: ExporterBackend;
  /** Warnings and errors. */
  readonly told: readonly string[];
  /** Adds or records. */
  record(meter: ContractMeter, value: number, attributes?: Attributes): void;
}

/** Runs `use` with an exporter under a meter provider, and ends all of it, whatever happens. */
export async function withExporter<Backend extends ExporterBackend>(
  harness: ExporterHarness<Backend>,
  use: (running: RunningExporter) => Promise<void>,
): Promise<void> {
  const backend = await harness.startBackend();
  try {
    const running = startExporter(harness.create(backend), backend);
    try {
      await use(running);
    } finally {
      await running.reader.shutdown();
    }
  } finally {
    await backend.stop();
  }
}

/** One more reader of an exporter, under a meter provider of its own. Whoever starts it shuts the reader down. */
export function startExporter(exporter: Exporter, backend: ExporterBackend): RunningExporter {
  const told: string[] = [];
  const reader = exporter.createReader(contextOf(told));
  const provider = new MeterProvider({
    readers: [reader],
    resource: resourceFromAttributes({ "service.name": "contract" }),
    views: [
      {
        instrumentName: contractMeters.exponentialHistogram.name,
        aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM },
      },
    ],
  });
  const meter = provider.getMeter("contract");
  return {
    exporter,
    reader,
    backend,
    told,
    record({ kind, name, unit }, value, attributes) {
      switch (kind) {
        case "counter":
          return meter.createCounter(name, { unit }).add(value, attributes);
        case "upDownCounter":
          return meter.createUpDownCounter(name, { unit }).add(value, attributes);
        case "gauge":
          return meter.createGauge(name, { unit }).record(value, attributes);
        case "histogram":
        case "exponentialHistogram":
          return meter
            .createHistogram(name, { unit, advice: { explicitBucketBoundaries: [1, 5, 10] } })
            .record(value, attributes);
      }
    },
  };
}

/** What a start would tell the exporter. Warnings and errors, which users see, go to `told`. */
function contextOf(told: string[]): ExporterContext {
  const tell = (...parts: readonly unknown[]): void => void told.push(parts.join(" "));
  const nothing = (): void => {};
  const diag: DiagLogger = { error: tell, warn: tell, info: nothing, debug: nothing, verbose: nothing };
  return { resourceAttributes: { "service.name": "contract" }, namespace: "", diag };
}

/** How long a busy machine may take for what has to come. */
const patienceMillis = 15_000;

/** Waits until the backend knows this of a series, and fails with what it knows instead. */
export async function expectArrival(
  { backend }: Pick<RunningExporter, "backend">,
  meter: ContractMeter,
  attributes: Attributes,
  expected: Reading,
): Promise<void> {
  let found: Reading | undefined;
  const isThere = await eventually(async () => {
    found = await backend.read(meter, attributes);
    return JSON.stringify(found) === JSON.stringify(expected);
  });
  if (isThere) return;
  throw new Error(
    `the backend knows ${JSON.stringify(found)} of ${meter.name} ${JSON.stringify(attributes)} and should know ${JSON.stringify(expected)}`,
  );
}

/** Whether a condition comes true in time. */
export async function eventually(condition: () => Promise<boolean> | boolean): Promise<boolean> {
  const deadline = performance.now() + patienceMillis;
  do {
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  } while (performance.now() < deadline);
  return false;
}
