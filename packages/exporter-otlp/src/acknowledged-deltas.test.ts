import { ValueType } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AggregationTemporality, DataPointType, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { expect, test } from "vitest";
import { createAcknowledgedDeltas } from "./acknowledged-deltas.ts";

const acme = { tenant: "acme" };
const globex = { tenant: "globex" };

test("a series that ends while the backend is away is told until the backend has all of it, and then no more", () => {
  const deltas = createAcknowledgedDeltas(() => expect.unreachable());
  const first = deltas.take(collected(1, [acme, 5], [globex, 1]));
  expect(told(first)).toEqual([
    ["acme", 5, 0, 1],
    ["globex", 1, 0, 1],
  ]);
  // The first was not delivered, and acme is gone meanwhile.
  const second = deltas.take(collected(2, [globex, 3]));
  expect(told(second)).toEqual([
    ["acme", 5, 0, 1],
    ["globex", 3, 0, 2],
  ]);
  deltas.acknowledge(second);
  expect(told(deltas.take(collected(3, [globex, 3])))).toEqual([]);
  expect(told(deltas.take(collected(4, [globex, 4])))).toEqual([["globex", 1, 2, 4]]);
});

test("a metric of which no series is left is told until the backend has it", () => {
  const deltas = createAcknowledgedDeltas(() => expect.unreachable());
  deltas.take(collected(1, [acme, 5]));
  const later = deltas.take({ ...collected(2), scopeMetrics: [] });
  expect(told(later)).toEqual([["acme", 5, 0, 1]]);
  deltas.acknowledge(later);
  expect(told(deltas.take({ ...collected(3), scopeMetrics: [] }))).toEqual([]);
});

test("a series that begins anew counts from nothing, and what was left of the old one is told too", () => {
  const deltas = createAcknowledgedDeltas(() => expect.unreachable());
  deltas.acknowledge(deltas.take(collected(1, [acme, 5])));
  deltas.take(collected(2, [acme, 7]));
  const anew = collected(4, [acme, 1]);
  for (const point of anew.scopeMetrics[0]!.metrics[0]!.dataPoints) Object.assign(point, { startTime: [3, 0] });
  expect(told(deltas.take(anew))).toEqual([
    ["acme", 2, 1, 2],
    ["acme", 1, 3, 4],
  ]);
});

test("a part that was acknowledged is told no more, while the others are", () => {
  const deltas = createAcknowledgedDeltas(() => expect.unreachable());
  const all = deltas.take(collected(1, [acme, 5], [globex, 1]));
  const [metric] = all.scopeMetrics[0]!.metrics;
  const part = {
    ...all,
    scopeMetrics: [{ scope: { name: "shop" }, metrics: [{ ...metric!, dataPoints: metric!.dataPoints.slice(0, 1) }] }],
  };
  deltas.acknowledge(part as ResourceMetrics);
  expect(told(deltas.take(collected(2, [acme, 5], [globex, 1])))).toEqual([["globex", 1, 0, 2]]);
});

test("gauges, up-down counters and what the SDK made deltas of stay as they are", () => {
  const deltas = createAcknowledgedDeltas(() => expect.unreachable());
  for (const change of [
    { dataPointType: DataPointType.GAUGE },
    { isMonotonic: false },
    { aggregationTemporality: AggregationTemporality.DELTA },
  ]) {
    const metrics = collected(1, [acme, 5]);
    Object.assign(metrics.scopeMetrics[0]!.metrics[0]!, change);
    expect(deltas.take(metrics)).toEqual(metrics);
  }
});

/** Cumulative since second 0, as of that second. */
function collected(second: number, ...series: (readonly [attributes: object, value: number])[]): ResourceMetrics {
  return {
    resource: resourceFromAttributes({}),
    scopeMetrics: [
      {
        scope: { name: "shop" },
        metrics: [
          {
            descriptor: { name: "orders", description: "", unit: "1", valueType: ValueType.DOUBLE },
            aggregationTemporality: AggregationTemporality.CUMULATIVE,
            dataPointType: DataPointType.SUM,
            isMonotonic: true,
            dataPoints: series.map(([attributes, value]) => ({
              attributes: attributes as typeof acme,
              startTime: [0, 0],
              endTime: [second, 0],
              value,
            })),
          },
        ],
      },
    ],
  };
}

function told({ scopeMetrics }: ResourceMetrics) {
  return scopeMetrics.flatMap(({ metrics }) =>
    metrics.flatMap(({ dataPoints }) =>
      [...dataPoints].map(({ attributes, value, startTime, endTime }) => [
        attributes["tenant"],
        value,
        startTime[0],
        endTime[0],
      ]),
    ),
  );
}
