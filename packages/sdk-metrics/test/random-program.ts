import type { Attributes, Meter, MeterProvider, Observable } from "@opentelemetry/api";
import {
  AggregationTemporality,
  AggregationType,
  createAllowListAttributesProcessor,
  createDenyListAttributesProcessor,
  type IAttributesProcessor,
  type IMetricReader,
  InstrumentType,
  type ViewOptions,
} from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { delta, ManualReader, type ManualReaderOptions, type ShownMetric } from "./manual-reader.ts";

/** A program: instruments, views and readers, and what happens to them. */
export interface Program {
  readonly instruments: readonly RandomInstrument[];
  readonly views: readonly ViewOptions[];
  readonly readers: readonly ManualReaderOptions[];
  readonly steps: readonly Step[];
  /** Whether observed series come and go. */
  readonly comesAndGoes?: boolean;
}

interface RandomInstrument {
  readonly name: string;
  readonly type: InstrumentType;
  readonly boundaries: readonly number[] | undefined;
  readonly unit: string;
  /** Of an observable one: what it observes at each collection, in which values only grow. */
  readonly observed: readonly Attributes[];
}

export type Step =
  | {
      readonly kind: "record";
      readonly instrument: number;
      readonly attributes: Attributes | undefined;
      readonly value: number;
    }
  | { readonly kind: "collect"; readonly reader: number };

export type Provider = new (options: { readers: IMetricReader[]; views: ViewOptions[] }) => MeterProvider;

/** Runs it, and returns what each collection showed. */
export async function run(Made: Provider, program: Program): Promise<ShownMetric[][]> {
  const readers = program.readers.map((options) => new ManualReader(options));
  const meter = new Made({ readers, views: [...program.views] }).getMeter("meter", "1");
  let tick = 0;
  const record = program.instruments.map((instrument) =>
    create(meter, instrument, () => tick, program.comesAndGoes ?? false),
  );
  const shown: ShownMetric[][] = [];
  for (const step of program.steps) {
    if (step.kind === "record") {
      record[step.instrument % record.length]!(step.value, step.attributes);
    } else {
      tick++;
      shown.push(await readers[step.reader % readers.length]!.shown());
    }
  }
  return shown;
}

function create(
  meter: Meter,
  instrument: RandomInstrument,
  tick: () => number,
  comesAndGoes: boolean,
): (value: number, attributes?: Attributes) => void {
  const { name, unit, boundaries } = instrument;
  const advice = boundaries === undefined ? {} : { explicitBucketBoundaries: [...boundaries] };
  const options = { unit, advice, description: `about ${name}` };
  const observe = (observable: Observable): (() => void) => {
    observable.addCallback((result) => {
      instrument.observed.forEach((attributes, at) => {
        if (!comesAndGoes || (tick() + at) % 3 > 0) result.observe(tick() * (at + 1), attributes);
      });
    });
    return () => {};
  };
  switch (instrument.type) {
    case InstrumentType.COUNTER: {
      const counter = meter.createCounter(name, options);
      return (value, attributes) => counter.add(Math.abs(value), attributes);
    }
    case InstrumentType.UP_DOWN_COUNTER: {
      const counter = meter.createUpDownCounter(name, options);
      return (value, attributes) => counter.add(value, attributes);
    }
    case InstrumentType.GAUGE: {
      const gauge = meter.createGauge(name, options);
      return (value, attributes) => gauge.record(value, attributes);
    }
    case InstrumentType.HISTOGRAM: {
      const histogram = meter.createHistogram(name, options);
      return (value, attributes) => histogram.record(Math.abs(value), attributes);
    }
    case InstrumentType.OBSERVABLE_COUNTER:
      return observe(meter.createObservableCounter(name, options));
    case InstrumentType.OBSERVABLE_GAUGE:
      return observe(meter.createObservableGauge(name, options));
    case InstrumentType.OBSERVABLE_UP_DOWN_COUNTER:
      return observe(meter.createObservableUpDownCounter(name, options));
  }
}

const key = fc.oneof(
  fc.constantFrom("tenant", "model", "status", "1", "constructor", "toString", ""),
  fc.string({ unit: "grapheme", maxLength: 5 }).filter((text) => text !== "__proto__"),
);
const text = fc.oneof(
  fc.constantFrom("a", "b", "1", "true", "[1]", '["a"]'),
  fc.string({ unit: "grapheme", maxLength: 8 }),
);
const plain = fc.oneof(
  text,
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(unsigned),
  fc.boolean(),
);
const list = fc.oneof(
  fc.array(text, { maxLength: 3 }),
  fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
  fc.array(fc.boolean(), { maxLength: 2 }),
);

/** -0 and 0 are one series to both, under whichever came first. */
function unsigned(value: number): number {
  return value === 0 ? 0 : value;
}

/** Attributes whose keys come in any order. */
export const attributeSet: fc.Arbitrary<Attributes> = fc
  .uniqueArray(fc.tuple(key, fc.oneof({ weight: 5, arbitrary: plain }, { weight: 1, arbitrary: list })), {
    maxLength: 5,
    selector: ([name]) => name,
  })
  .map((entries) => Object.fromEntries(entries));

/** Few of them, so that series meet again; in the order they have, or turned round. */
const attributeSets = fc.array(attributeSet, { minLength: 1, maxLength: 6 });

const instrumentTypes = Object.values(InstrumentType);
const boundaryList = fc
  .array(fc.integer({ min: 0, max: 40 }), { maxLength: 20 })
  .map((values) => [...new Set(values)].toSorted((a, b) => a - b));
// Eighths: sums of them are exact in whatever order they are added up. Never zero, of which exponential histograms make different scales.
const value = fc
  .integer({ min: -400, max: 400 })
  .filter((each) => each !== 0)
  .map((each) => each / 8);

const readerOptions: fc.Arbitrary<ManualReaderOptions> = fc.record({
  temporality: fc.constantFrom(
    () => AggregationTemporality.CUMULATIVE,
    () => AggregationTemporality.DELTA,
    (type: InstrumentType) =>
      type === InstrumentType.COUNTER || type === InstrumentType.HISTOGRAM
        ? AggregationTemporality.DELTA
        : AggregationTemporality.CUMULATIVE,
  ),
  aggregation: fc.constantFrom(
    () => ({ type: AggregationType.DEFAULT }) as const,
    (type: InstrumentType) =>
      type === InstrumentType.HISTOGRAM
        ? ({ type: AggregationType.EXPONENTIAL_HISTOGRAM } as const)
        : ({ type: AggregationType.DEFAULT } as const),
  ),
});

function viewFor({ name, type }: RandomInstrument): fc.Arbitrary<ViewOptions> {
  const isObservable = type.startsWith("OBSERVABLE_");
  const isGauge = type.includes("GAUGE");
  const aggregations: fc.Arbitrary<NonNullable<ViewOptions["aggregation"]>>[] = [
    fc.constant({ type: isGauge ? AggregationType.LAST_VALUE : AggregationType.DEFAULT }),
    fc.constant({ type: AggregationType.SUM }),
    fc.constant({ type: AggregationType.LAST_VALUE }),
    fc.constant({ type: AggregationType.DROP }),
  ];
  if (!isObservable) {
    aggregations.push(
      fc.record({
        type: fc.constant(AggregationType.EXPLICIT_BUCKET_HISTOGRAM as const),
        options: fc.record({ boundaries: boundaryList, recordMinMax: fc.boolean() }),
      }),
    );
  }
  if (type === InstrumentType.HISTOGRAM) {
    aggregations.push(
      fc.record({
        type: fc.constant(AggregationType.EXPONENTIAL_HISTOGRAM as const),
        options: fc.record({ maxSize: fc.integer({ min: 2, max: 160 }), recordMinMax: fc.boolean() }),
      }),
    );
  }
  const processors: fc.Arbitrary<IAttributesProcessor[]> = fc.constantFrom<IAttributesProcessor[]>(
    [],
    [createAllowListAttributesProcessor(["tenant", "model"])],
    [createDenyListAttributesProcessor(["tenant", "1"])],
  );
  return fc.record(
    {
      name: fc.constant(`renamed.${name}`),
      description: fc.constant("of the view"),
      aggregation: fc.oneof(...aggregations),
      attributesProcessors: isObservable ? fc.constant([]) : processors,
      instrumentName: fc.constant(name),
    },
    { requiredKeys: ["instrumentName"] },
  );
}

export const randomProgram: fc.Arbitrary<Program> = attributeSets
  .chain((sets) => {
    const someAttributes = fc.oneof(
      fc.constantFrom(...sets),
      fc.constantFrom(...sets).map((set) => Object.fromEntries(Object.entries(set).toReversed())),
      fc.constant(undefined),
    );
    const distinct = fc.uniqueArray(fc.constantFrom(...sets), {
      selector: (set) => JSON.stringify(Object.entries(set).toSorted(([one], [other]) => (one < other ? -1 : 1))),
      maxLength: 4,
    });
    const instrument = fc.record({
      type: fc.constantFrom(...instrumentTypes),
      boundaries: fc.option(boundaryList, { nil: undefined }),
      unit: fc.constantFrom("", "s"),
      observed: distinct,
    });
    return fc.array(instrument, { minLength: 1, maxLength: 4 }).chain((made) => {
      const instruments = made.map((each, at) => ({ ...each, name: `instrument.${at}` }));
      return fc.record({
        instruments: fc.constant(instruments),
        views: fc
          .tuple(...instruments.map((each) => fc.option(viewFor(each), { nil: undefined })))
          .map((views) => views.filter((view) => view !== undefined)),
        readers: fc.array(readerOptions, { minLength: 1, maxLength: 3 }),
        steps: fc.array(
          fc.oneof(
            {
              weight: 4,
              arbitrary: fc.record({
                kind: fc.constant("record" as const),
                instrument: fc.nat(3),
                attributes: someAttributes,
                value,
              }),
            },
            { weight: 1, arbitrary: fc.record({ kind: fc.constant("collect" as const), reader: fc.nat(2) }) },
          ),
          { maxLength: 40 },
        ),
      });
    });
  })
  .map(withoutReadersChoice);

/** Where a view leaves the aggregation open, the official SDK does not ask the reader. */
function withoutReadersChoice(program: Program): Program {
  const isOpen = program.views.some(
    ({ aggregation }) => (aggregation ?? { type: AggregationType.DEFAULT }).type === AggregationType.DEFAULT,
  );
  if (!isOpen) return program;
  const readers = program.readers.map(({ temporality }) => (temporality === undefined ? {} : { temporality }));
  return { ...program, readers };
}

/** Programs of one delta reader, whose limit holds for an interval, and whose observed series come and go. */
export const randomDeltaProgram: fc.Arbitrary<Program> = fc
  .tuple(randomProgram, fc.integer({ min: 2, max: 5 }), fc.boolean())
  .map(([program, limit, isLimited]) => ({
    ...program,
    // The official SDK's overflow of observations does not add up.
    instruments: isLimited
      ? program.instruments.filter(({ type }) => !type.startsWith("OBSERVABLE_"))
      : program.instruments,
    views: [],
    readers: [isLimited ? { temporality: delta, limit } : { temporality: delta }],
    comesAndGoes: true,
  }))
  .filter(({ instruments }) => instruments.length > 0);
