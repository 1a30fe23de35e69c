import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Attributes, Meter } from "@opentelemetry/api";
import {
  AggregationType,
  createAllowListAttributesProcessor,
  InstrumentType,
  MeterProvider as OfficialMeterProvider,
  type IMetricReader,
  type ViewOptions,
} from "@opentelemetry/sdk-metrics";
import { expect, test } from "vitest";
import { MeterProvider } from "../src/index.ts";
import {
  delta,
  ManualReader,
  type ManualReaderOptions,
  pointsOf,
  shownMetrics,
  type ShownMetric,
} from "./manual-reader.ts";
import type { Provider } from "./random-program.ts";

// Each of these is wrong in the official SDK, as the first half of the test shows. When one fails there, that SDK has changed.

interface Started {
  readonly meter: Meter;
  readonly reader: ManualReader;
  points(name: string): Promise<unknown[]>;
}

function start(Made: Provider, options: ManualReaderOptions = {}, views: ViewOptions[] = []): Started {
  const reader = new ManualReader(options);
  const meter = new Made({ readers: [reader], views }).getMeter("meter");
  return { meter, reader, points: async (name) => pointsOf(await reader.shown(), name) };
}

function sumOf(points: readonly unknown[]): number {
  return points.reduce<number>((sum, point) => sum + (point as [unknown, number])[1], 0);
}

const overflow = { "otel.metric.overflow": true };

test("a counter with new users at each scrape keeps to its limit, and its sum stays exact", async () => {
  const rounds = async (Made: Provider): Promise<unknown[]> => {
    const { meter, points } = start(Made, { limit: 20 });
    const counter = meter.createCounter("requests");
    let last: unknown[] = [];
    for (let round = 0; round < 10; round++) {
      for (let user = 0; user < 15; user++) counter.add(2, { user: `${round}.${user}` });
      last = await points("requests");
    }
    return last;
  };
  expect(await rounds(OfficialMeterProvider)).toHaveLength(150);
  const ours = await rounds(MeterProvider);
  expect(ours).toHaveLength(20);
  expect(sumOf(ours)).toBe(300);
  expect(ours).toContainEqual([overflow, 262]);
});

test.each([
  ["cumulative", undefined, [360, 720, 1080]],
  ["delta", delta, [360, 360, 360]],
] as const)("the overflow of an observed counter adds up under %s temporality", async (_, temporality, sums) => {
  const rounds = async (Made: Provider): Promise<number[]> => {
    const { meter, points } = start(Made, { limit: 4, ...(temporality === undefined ? {} : { temporality }) });
    let round = 0;
    meter.createObservableCounter("bytes").addCallback((result) => {
      for (let disk = 1; disk <= 8; disk++) result.observe(round * disk * 10, { disk });
    });
    const found: number[] = [];
    for (round = 1; round <= 3; round++) found.push(sumOf(await points("bytes")));
    return found;
  };
  expect(await rounds(OfficialMeterProvider)).not.toEqual(sums);
  expect(await rounds(MeterProvider)).toEqual(sums);
});

test("a tenant that is observed no more disappears from the gauge instead of keeping its last value for ever", async () => {
  const observed = async (Made: Provider): Promise<unknown[]> => {
    const { meter, points } = start(Made);
    let tenants = ["a", "b"];
    meter.createObservableGauge("users").addCallback((result) => {
      for (const tenant of tenants) result.observe(1, { tenant });
    });
    await points("users");
    tenants = ["b"];
    return await points("users");
  };
  expect(await observed(OfficialMeterProvider)).toHaveLength(2);
  expect(await observed(MeterProvider)).toEqual([[{ tenant: "b" }, 1]]);
});

test("an attribute object that is changed after the call does not relabel what was recorded", async () => {
  const recorded = async (Made: Provider): Promise<unknown[]> => {
    const { meter, points } = start(Made);
    const attributes = { tenant: "a" };
    const counter = meter.createCounter("requests");
    counter.add(1, attributes);
    attributes.tenant = "b";
    counter.add(10, attributes);
    return await points("requests");
  };
  expect(await recorded(OfficialMeterProvider)).toEqual([
    [{ tenant: "b" }, 1],
    [{ tenant: "b" }, 10],
  ]);
  expect(await recorded(MeterProvider)).toEqual([
    [{ tenant: "a" }, 1],
    [{ tenant: "b" }, 10],
  ]);
});

test.each([Number.NaN, Infinity, -Infinity])("a value of %d does not poison sums for ever", async (value) => {
  const recorded = async (Made: Provider): Promise<unknown[]> => {
    const { meter, points } = start(Made);
    const counter = meter.createUpDownCounter("balance");
    counter.add(1);
    counter.add(value);
    counter.add(1);
    return await points("balance");
  };
  expect(await recorded(OfficialMeterProvider)).toEqual([[{}, value]]);
  expect(await recorded(MeterProvider)).toEqual([[{}, 2]]);
});

test("an infinite duration does not poison a histogram's sum", async () => {
  const recorded = async (Made: Provider): Promise<unknown> => {
    const { meter, points } = start(Made);
    meter.createHistogram("duration").record(Infinity);
    meter.createHistogram("duration").record(3);
    return (await points("duration"))[0];
  };
  expect(await recorded(OfficialMeterProvider)).toEqual([{}, expect.objectContaining({ sum: Infinity })]);
  expect(await recorded(MeterProvider)).toEqual([{}, expect.objectContaining({ sum: 3, count: 1 })]);
});

const cyclic: Record<string, unknown> = {};
cyclic["self"] = cyclic;

test.each([
  ["a big integer", { id: 1n }, { id: "1" }],
  ["a cyclic object", { id: "x", cyclic }, { id: "x" }],
  ["a getter that throws", throwing(), { id: "x" }],
  ["a proxy that throws", new Proxy({}, { ownKeys: () => fail() }), {}],
])("%s among the attributes does not throw into the application", async (_, attributes, recorded) => {
  const theirs = start(OfficialMeterProvider).meter.createCounter("requests");
  expect(() => theirs.add(1, attributes as Attributes)).toThrow(/BigInt|circular|thrown by the attributes/i);
  const { meter, points } = start(MeterProvider);
  meter.createCounter("requests").add(1, attributes as Attributes);
  expect(await points("requests")).toEqual([[recorded, 1]]);
});

function throwing(): object {
  return {
    id: "x",
    get bad() {
      return fail();
    },
  };
}

function fail(): never {
  throw new Error("thrown by the attributes");
}

test("values that are no attributes do not make one series of what differs, nor several of what is the same", async () => {
  const recorded = async (Made: Provider): Promise<unknown[]> => {
    const { meter, points } = start(Made);
    const counter = meter.createCounter("requests");
    for (const id of [undefined, null, Number.NaN, Infinity, Symbol("id"), () => "id"]) counter.add(1, { id });
    counter.add(1);
    return await points("requests");
  };
  expect(await recorded(OfficialMeterProvider)).toHaveLength(2);
  expect(await recorded(MeterProvider)).toEqual([
    [{ id: "Infinity" }, 1],
    [{ id: "NaN" }, 1],
    [{}, 5],
  ]);
});

test("a callback that hangs costs its own deadline, not every scrape for ever", async () => {
  const collected = async (
    provider: MeterProvider | OfficialMeterProvider,
    reader: ManualReader,
  ): Promise<ShownMetric[] | "hangs"> => {
    const meter = provider.getMeter("meter");
    meter.createCounter("requests").add(1);
    meter.createObservableGauge("lagging").addCallback(() => new Promise(() => {}));
    meter.createObservableGauge("users").addCallback((result) => result.observe(7));
    return await Promise.race([
      reader.collect().then(shownMetrics),
      new Promise<"hangs">((resolve) => {
        setTimeout(() => resolve("hangs"), 1000);
      }),
    ]);
  };
  const theirReader = new ManualReader();
  expect(await collected(new OfficialMeterProvider({ readers: [theirReader] }), theirReader)).toBe("hangs");
  const reader = new ManualReader();
  const provider = new MeterProvider({ readers: [reader], callbackTimeoutMillis: 50 });
  const metrics = (await collected(provider, reader)) as ShownMetric[];
  expect(pointsOf(metrics, "requests")).toEqual([[{}, 1]]);
  expect(pointsOf(metrics, "users")).toEqual([[{}, 7]]);
  const started = performance.now();
  expect((await reader.collect()).errors).toEqual([]);
  expect(performance.now() - started).toBeLessThan(40);
});

test("a reader that is never collected costs no memory that grows", async () => {
  const grown = async (Made: Provider): Promise<number> => {
    const reader: IMetricReader = new ManualReader({ temporality: delta });
    const views = [{ instrumentName: "*", aggregation: { type: AggregationType.DEFAULT } }];
    const counter = new Made({ readers: [reader, new ManualReader()], views })
      .getMeter("meter")
      .createCounter("requests");
    const round = async (): Promise<void> => {
      for (let tenant = 0; tenant < 50; tenant++) counter.add(1, { tenant });
      await reader.collect();
    };
    await round();
    const before = heapUsed();
    for (let rounds = 0; rounds < 300; rounds++) await round();
    return (heapUsed() - before) / 1e6;
  };
  expect(await grown(OfficialMeterProvider)).toBeGreaterThan(3);
  expect(await grown(MeterProvider)).toBeLessThan(1);
});

function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed: heap, arrayBuffers } = process.memoryUsage();
  return heap + arrayBuffers;
}

test("two views of one instrument do not count its measurements twice", async () => {
  const recorded = async (Made: Provider): Promise<unknown[]> => {
    const views = [
      { instrumentName: "requests", attributesProcessors: [createAllowListAttributesProcessor(["tenant"])] },
      { instrumentName: "*", attributesProcessors: [createAllowListAttributesProcessor(["model"])] },
    ];
    const { meter, points } = start(Made, {}, views);
    meter.createCounter("requests").add(1, { tenant: "a", model: "m" });
    return await points("requests");
  };
  expect(await recorded(OfficialMeterProvider)).toEqual([[{ tenant: "a" }, 2]]);
  expect(await recorded(MeterProvider)).toEqual([
    [{ tenant: "a" }, 1],
    [{ model: "m" }, 1],
  ]);
});

test("what a view takes from observed attributes leaves their sum, not the last of them", async () => {
  const observed = async (Made: Provider): Promise<unknown[]> => {
    const views = [{ instrumentName: "bytes", attributesProcessors: [createAllowListAttributesProcessor(["host"])] }];
    const { meter, points } = start(Made, {}, views);
    meter.createObservableCounter("bytes").addCallback((result) => {
      result.observe(3, { host: "a", disk: 1 });
      result.observe(4, { host: "a", disk: 2 });
    });
    return await points("bytes");
  };
  expect(await observed(OfficialMeterProvider)).toEqual([[{ host: "a" }, 4]]);
  expect(await observed(MeterProvider)).toEqual([[{ host: "a" }, 7]]);
});

test("a view that names no aggregation leaves the choice to the reader", async () => {
  const recorded = async (Made: Provider): Promise<unknown[]> => {
    const aggregation = () => ({ type: AggregationType.EXPONENTIAL_HISTOGRAM }) as const;
    const { meter, reader } = start(Made, { aggregation }, [
      { instrumentType: InstrumentType.HISTOGRAM, description: "told" },
    ]);
    meter.createHistogram("duration").record(1);
    return (await reader.shown()).map(({ points }) => Object.keys(points[0]!.value as object));
  };
  expect(await recorded(OfficialMeterProvider)).not.toEqual([expect.arrayContaining(["scale"])]);
  expect(await recorded(MeterProvider)).toEqual([expect.arrayContaining(["scale"])]);
});

test("an interval with nothing but zeros does not cost an exponential histogram its resolution", async () => {
  const recorded = async (Made: Provider): Promise<unknown> => {
    const views = [
      { instrumentName: "duration", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } as const },
    ];
    const { meter, points } = start(Made, {}, views);
    const histogram = meter.createHistogram("duration");
    histogram.record(1.5);
    await points("duration");
    histogram.record(0);
    return (await points("duration"))[0];
  };
  expect(await recorded(OfficialMeterProvider)).toEqual([{}, expect.objectContaining({ scale: 8 })]);
  expect(await recorded(MeterProvider)).toEqual([{}, expect.objectContaining({ scale: 20, count: 2, zeroCount: 1 })]);
});

test("sums that pass the largest number stay there and are told, instead of poisoning the series as Infinity", async () => {
  const recorded = async (Made: Provider): Promise<unknown[]> => {
    const { meter, points } = start(Made);
    const counter = meter.createCounter("requests");
    const histogram = meter.createHistogram("duration", { advice: { explicitBucketBoundaries: [] } });
    const large = Array.from({ length: 3 }, () => Number.MAX_VALUE);
    for (const value of large) {
      counter.add(value);
      histogram.record(value);
    }
    await points("requests");
    counter.add(1);
    return [...(await points("requests")), ...(await points("duration"))];
  };
  const sumsOf = (shown: unknown[]): unknown[] =>
    shown.map((point) => {
      const value = (point as [object, number | { sum: number }])[1];
      return typeof value === "number" ? value : value.sum;
    });
  expect(sumsOf(await recorded(OfficialMeterProvider))).toEqual([Infinity, Infinity]);
  expect(sumsOf(await recorded(MeterProvider))).toEqual([Number.MAX_VALUE, Number.MAX_VALUE]);
});

test("keys that an attribute object inherits do not lead to the series that has them", async () => {
  const { meter, points } = start(MeterProvider);
  const counter = meter.createCounter("requests");
  counter.add(1, { tenant: "a", model: "m" });
  class Attributes {
    readonly model = "m";
  }
  Object.defineProperty(Attributes.prototype, "tenant", { value: "a", enumerable: true });
  for (const inherited of [new Attributes(), Object.assign(Object.create({ tenant: "a" }) as object, { model: "m" })]) {
    counter.add(10, inherited as { model: string });
  }
  expect(await points("requests")).toEqual([
    [{ tenant: "a", model: "m" }, 1],
    [{ model: "m" }, 20],
  ]);
});
