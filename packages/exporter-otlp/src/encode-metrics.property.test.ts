import { type HrTime, ValueType } from "@opentelemetry/api";
import { ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readFields } from "../test/protobuf-fields.ts";
import { createMetricsEncoder } from "./encode-metrics.ts";
import { withSaneAttributes } from "./sane-attributes.ts";

const text = fc.string({ unit: "binary", maxLength: 200 }).map((value) => value.toWellFormed());
const attribute = fc.oneof(
  text,
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.array(text),
);
const attributes = fc.dictionary(text, attribute, { maxKeys: 5 });
const time: fc.Arbitrary<HrTime> = fc.tuple(fc.nat(4_000_000_000), fc.nat(999_999_999));
const amount = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer());
const count = fc.oneof(fc.nat(1000), fc.maxSafeNat());
const end = fc.option(amount, { nil: undefined });

const histogram: fc.Arbitrary<Histogram> = fc.nat(20).chain((boundaries) =>
  fc.record({
    count,
    sum: end,
    min: end,
    max: end,
    buckets: fc.record({
      boundaries: fc.constant(Array.from({ length: boundaries }, (_, index) => index * 1.5)),
      counts: fc.array(count, { minLength: boundaries + 1, maxLength: boundaries + 1 }),
    }),
  }),
) as fc.Arbitrary<Histogram>;
const buckets = fc.record({
  offset: fc.integer({ min: -1000, max: 1000 }),
  bucketCounts: fc.array(count, { maxLength: 8 }),
});
const exponential = fc.record({
  count,
  sum: end,
  min: end,
  max: end,
  scale: fc.integer({ min: -10, max: 20 }),
  zeroCount: count,
  positive: buckets,
  negative: buckets,
}) as fc.Arbitrary<ExponentialHistogram>;

/** A metric whose numbers change from export to export, and some of whose series come and go. */
const metric = fc
  .record({
    name: text,
    description: text,
    unit: text,
    isInteger: fc.boolean(),
    isMonotonic: fc.boolean(),
    isDelta: fc.boolean(),
    kind: fc.constantFrom(
      DataPointType.SUM,
      DataPointType.GAUGE,
      DataPointType.HISTOGRAM,
      DataPointType.EXPONENTIAL_HISTOGRAM,
    ),
    series: fc.array(attributes, { minLength: 1, maxLength: 6 }),
  })
  .chain((shape) => {
    const number = shape.isInteger ? fc.maxSafeInteger() : amount;
    const value = { [DataPointType.HISTOGRAM]: histogram, [DataPointType.EXPONENTIAL_HISTOGRAM]: exponential };
    const values: fc.Arbitrary<unknown> = value[shape.kind as DataPointType.HISTOGRAM] ?? number;
    const shown = fc.record({
      value: values,
      startTime: time,
      endTime: time,
      isThere: fc.constantFrom(true, true, true, false),
    });
    const exports = fc.array(fc.array(shown, { minLength: shape.series.length, maxLength: shape.series.length }), {
      minLength: 4,
      maxLength: 4,
    });
    return exports.map((all) => all.map((points) => metricOf(shape, points)));
  });

function metricOf(
  shape: {
    readonly series: readonly object[];
    readonly kind: DataPointType;
    readonly isInteger: boolean;
    readonly isDelta: boolean;
    readonly [rest: string]: unknown;
  },
  shown: readonly { readonly isThere: boolean }[],
): MetricData {
  const { name, description, unit, kind, isInteger, isDelta, isMonotonic, series } = shape;
  return {
    descriptor: { name, description, unit, valueType: isInteger ? ValueType.INT : ValueType.DOUBLE },
    dataPointType: kind,
    aggregationTemporality: isDelta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
    isMonotonic,
    dataPoints: shown.flatMap(({ isThere, ...point }, index) =>
      isThere ? [{ ...point, attributes: series[index] }] : [],
    ),
  } as object as MetricData;
}

test("a request says what the official one says, at every export, whichever series stay, come and go", () => {
  fc.assert(
    fc.property(fc.array(metric, { maxLength: 4 }), attributes, text, (metrics, resource, scope) => {
      const encoder = createMetricsEncoder();
      for (let index = 0; index < 4; index++) {
        const request: ResourceMetrics = {
          resource: resourceFromAttributes(resource),
          scopeMetrics: [{ scope: { name: scope, version: "1" }, metrics: metrics.map((exports) => exports[index]!) }],
        };
        const ours = encoder.encode(request, () => false);
        const official = ProtobufMetricsSerializer.serializeRequest(withSaneAttributes(request));
        expect(readFields(ours)).toEqual(readFields(official!));
      }
    }),
    { numRuns: 300 },
  );
});

test("the same series again are written over in the same bytes, and bytes that are in use are left alone", () => {
  const series = { model: "gpt-5", tenant: "acme" };
  const requestOf = (value: number): ResourceMetrics => ({
    resource,
    scopeMetrics: [
      {
        scope: { name: "shop" },
        metrics: [
          {
            descriptor: { name: "orders", description: "", unit: "1", valueType: ValueType.DOUBLE },
            aggregationTemporality: AggregationTemporality.CUMULATIVE,
            dataPointType: DataPointType.SUM,
            isMonotonic: true,
            dataPoints: [{ attributes: series, startTime: [1, 0], endTime: [2, 0], value }],
          },
        ],
      },
    ],
  });
  const resource = resourceFromAttributes({ "service.name": "shop" });
  const encoder = createMetricsEncoder();
  const first = encoder.encode(requestOf(1), () => false);
  const copy = Buffer.from(first);
  const second = encoder.encode(requestOf(2), () => false);
  expect(second).toBe(first);
  expect(Buffer.compare(second, copy)).not.toBe(0);
  const kept = Buffer.from(second);
  const third = encoder.encode(requestOf(3), (bytes) => bytes === second);
  expect(third).not.toBe(second);
  expect(Buffer.compare(second, kept)).toBe(0);
});
