import { ValueType } from "@opentelemetry/api";
import { AggregationTemporality, DataPointType, type Histogram, type MetricData } from "@opentelemetry/sdk-metrics";
import { describe, expect, it } from "vitest";
import { dropNonFinite } from "./drop-non-finite.ts";

describe("points that OTLP cannot carry", () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "leave their neighbours in the export when one is %d",
    (bad) => {
      const { metric, leftOut } = dropNonFinite(sum([1, bad, 3]));

      expect(leftOut).toBe(1);
      expect(metric.dataPoints.map((point) => point.value)).toEqual([1, 3]);
    },
  );

  it("are left out of histograms by their sum", () => {
    const fine = histogram({ sum: 5, min: 1, max: 4 });
    const { metric, leftOut } = dropNonFinite(histograms([fine, histogram({ sum: Number.POSITIVE_INFINITY })]));

    expect(leftOut).toBe(1);
    expect(metric.dataPoints.map((point) => point.value)).toEqual([fine]);
  });

  it("cost a histogram only the infinite minimum and maximum that an empty one has", () => {
    const empty = histogram({ sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY });
    const { metric, leftOut } = dropNonFinite(histograms([empty]));

    expect(leftOut).toBe(0);
    expect(metric.dataPoints[0]?.value).toEqual(histogram({ sum: 0 }));
    expect(empty.min, "the SDK's own object").toBe(Number.POSITIVE_INFINITY);
  });

  it("make an integer metric a double one when int64 would wrap", () => {
    const { metric } = dropNonFinite(sum([1, 2 ** 70], ValueType.INT));

    expect(metric.descriptor.valueType).toBe(ValueType.DOUBLE);
    expect(metric.dataPoints.map((point) => point.value)).toEqual([1, 2 ** 70]);
  });

  it("are looked for without copying a metric that is fine", () => {
    const fine = [sum([1, 2]), sum([1, 2 ** 60], ValueType.INT), histograms([histogram({ sum: 1, min: 1, max: 1 })])];

    for (const metric of fine) expect(dropNonFinite(metric)).toEqual({ metric, leftOut: 0 });
    for (const metric of fine) expect(dropNonFinite(metric).metric).toBe(metric);
  });
});

function sum(values: readonly number[], valueType: ValueType = ValueType.DOUBLE): MetricData {
  return {
    descriptor: { name: "orders", description: "", unit: "1", valueType },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.SUM,
    isMonotonic: true,
    dataPoints: values.map((value, index) => ({ attributes: { index }, startTime: [1, 0], endTime: [2, 0], value })),
  };
}

function histograms(values: readonly Histogram[]): MetricData {
  return {
    descriptor: { name: "duration", description: "", unit: "s", valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: values.map((value, index) => ({ attributes: { index }, startTime: [1, 0], endTime: [2, 0], value })),
  };
}

function histogram(parts: Pick<Histogram, "sum" | "min" | "max">): Histogram {
  return { buckets: { boundaries: [1], counts: [1, 1] }, count: 2, ...parts };
}
