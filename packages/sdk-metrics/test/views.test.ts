import { diag, DiagLogLevel, ValueType, type DiagLogger } from "@opentelemetry/api";
import {
  AggregationType,
  createAllowListAttributesProcessor,
  createDenyListAttributesProcessor,
  InstrumentType,
  type ViewOptions,
} from "@opentelemetry/sdk-metrics";
import { afterEach, expect, test } from "vitest";
import { MeterProvider } from "../src/index.ts";
import { ManualReader, pointsOf, type ShownMetric } from "./manual-reader.ts";

afterEach(() => diag.disable());

function listen(): string[] {
  const told: string[] = [];
  const tell = (message: string): void => void told.push(message);
  const ignore = (): void => {};
  const logger: DiagLogger = { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  return told;
}

async function viewed(...views: ViewOptions[]): Promise<ShownMetric[]> {
  const reader = new ManualReader();
  const meter = new MeterProvider({ readers: [reader], views }).getMeter("shop", "2");
  meter.createCounter("http.requests", { unit: "{request}" }).add(1, { tenant: "a", model: "m" });
  meter.createHistogram("http.duration", { unit: "s" }).record(1, { tenant: "a", model: "m" });
  meter.createUpDownCounter("jobs").add(1, { tenant: "a", model: "m" });
  return await reader.shown();
}

function namesOf(metrics: readonly ShownMetric[]): string[] {
  return metrics.map(({ name }) => name);
}

const drop = { aggregation: { type: AggregationType.DROP } } as const;

test.each<[ViewOptions, string[]]>([
  [{ instrumentName: "http.requests" }, ["http.duration", "jobs"]],
  [{ instrumentName: "http.*" }, ["jobs"]],
  [{ instrumentName: "*.*s*" }, ["http.duration", "jobs"]],
  [{ instrumentName: "job?" }, ["http.duration", "http.requests"]],
  [{ instrumentName: "httpXrequests" }, ["http.duration", "http.requests", "jobs"]],
  [{ instrumentType: InstrumentType.HISTOGRAM }, ["http.requests", "jobs"]],
  [{ instrumentUnit: "s" }, ["http.requests", "jobs"]],
  [{ meterName: "shop" }, []],
  [{ meterName: "other" }, ["http.duration", "http.requests", "jobs"]],
  [{ meterVersion: "1" }, ["http.duration", "http.requests", "jobs"]],
  [{ meterName: "shop", instrumentUnit: "s", instrumentName: "jobs" }, ["http.duration", "http.requests", "jobs"]],
])("a view that selects %j drops no other instruments", async (selector, left) => {
  expect(namesOf(await viewed({ ...selector, ...drop }))).toEqual(left);
});

test("a view renames, describes, and leaves out attributes", async () => {
  const metrics = await viewed(
    {
      instrumentName: "http.requests",
      name: "requests",
      description: "all of them",
      attributesProcessors: [createAllowListAttributesProcessor(["tenant"])],
    },
    { instrumentName: "jobs", attributesProcessors: [createDenyListAttributesProcessor(["tenant"])] },
  );
  expect(pointsOf(metrics, "requests")).toEqual([[{ tenant: "a" }, 1]]);
  expect(pointsOf(metrics, "jobs")).toEqual([[{ model: "m" }, 1]]);
  expect(metrics.find(({ name }) => name === "requests")?.rest).toMatchObject({
    descriptor: { description: "all of them", unit: "{request}" },
  });
});

test("a view sets the limit of series", async () => {
  const reader = new ManualReader({ limit: 1000 });
  const views = [{ instrumentName: "requests", aggregationCardinalityLimit: 3 }];
  const counter = new MeterProvider({ readers: [reader], views }).getMeter("meter").createCounter("requests");
  for (let tenant = 0; tenant < 10; tenant++) counter.add(1, { tenant });
  expect(pointsOf(await reader.shown(), "requests")).toEqual([
    [{ "otel.metric.overflow": true }, 8],
    [{ tenant: 0 }, 1],
    [{ tenant: 1 }, 1],
  ]);
});

test.each<[string, ViewOptions, RegExp]>([
  ["selects nothing", { name: "x" }, /must select something/],
  ["renames several instruments", { name: "x", instrumentName: "http.*" }, /found "http\.\*"/],
  ["renames without a name to select by", { name: "x", meterName: "shop" }, /found none/],
])("a view that %s is refused at start", (_, view, message) => {
  expect(() => new MeterProvider({ views: [view] })).toThrow(message);
});

test("a processor of attributes that throws costs the attributes, not the measurement nor the application", async () => {
  const attributesProcessors = [
    {
      process: () => {
        throw new Error("a mistake in the processor");
      },
    },
  ];
  expect(pointsOf(await viewed({ instrumentName: "jobs", attributesProcessors }), "jobs")).toEqual([[{}, 1]]);
});

test("the same instrument made twice is one, also when its name is written otherwise", async () => {
  const told = listen();
  const reader = new ManualReader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter("meter");
  meter.createCounter("requests").add(1);
  meter.createCounter("requests").add(2);
  meter.createCounter("Requests").add(4);
  expect((await reader.shown()).map(({ name, points }) => [name, points[0]?.value])).toEqual([["requests", 7]]);
  expect(told).toEqual([]);
});

test("instruments of one name that differ are both exported, and that is told once", async () => {
  const told = listen();
  const reader = new ManualReader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter("meter");
  meter.createCounter("requests").add(1);
  for (let time = 0; time < 3; time++) meter.createCounter("requests", { unit: "s" }).add(2);
  meter.createHistogram("requests", { valueType: ValueType.INT }).record(3);
  expect(await reader.shown()).toHaveLength(3);
  expect(told).toEqual([
    expect.stringContaining('"requests" is made twice, with unit "" and "s"'),
    expect.stringContaining('type "COUNTER" and "HISTOGRAM"'),
    expect.stringContaining('unit "s" and ""'),
  ]);
});

test("of two descriptions the longer one is used", async () => {
  const told = listen();
  const reader = new ManualReader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter("meter");
  meter.createCounter("requests", { description: "short" }).add(1);
  meter.createCounter("requests", { description: "much longer" }).add(1);
  expect(await reader.shown()).toMatchObject([{ rest: { descriptor: { description: "much longer" } } }]);
  expect(told).toEqual([expect.stringContaining("two descriptions")]);
});

test.each([
  ["aggregationCardinalityLimit", { aggregationCardinalityLimit: Number.NaN }],
  ["aggregationCardinalityLimit", { aggregationCardinalityLimit: 0 }],
  ["aggregationCardinalityLimit", { aggregationCardinalityLimit: 2.5 }],
  ["maxSize", { aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize: Number.NaN } } }],
  ["maxSize", { aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize: 1e9 } } }],
  [
    "boundaries",
    { aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: [Number.NaN] } } },
  ],
  ["boundaries", { aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: 5 } } }],
  ["boundaries", { aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: {} } }],
  ["boundaries", { aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: null } } }],
  ["aggregation.type", { aggregation: { type: 99 } }],
  ["name", { name: 5 }],
  ["name", { name: "" }],
  ["description", { description: 5 }],
  ["attributesProcessors", { attributesProcessors: [{}] }],
  ["instrumentName", { instrumentName: 5 }],
])("a view whose %s is nonsense fails at start and says so, instead of recording nonsense later", (option, options) => {
  const views = [{ instrumentName: "requests", ...(options as object) }];
  expect(() => new MeterProvider({ views })).toThrow(option);
});

test("a view that is no object fails at start with what it has to be", () => {
  expect(() => new MeterProvider({ views: [null as unknown as object] })).toThrow("must be an object of options");
});

test("a selector that is null selects as if it were not there, instead of nothing in silence", async () => {
  const reader = new ManualReader();
  const view = { instrumentName: "requests", meterName: null, instrumentUnit: null, name: "renamed" };
  const views = [view as unknown as { instrumentName: string }];
  new MeterProvider({ readers: [reader], views }).getMeter("meter").createCounter("requests").add(1);
  expect((await reader.shown()).map(({ name }) => name)).toEqual(["renamed"]);
});
