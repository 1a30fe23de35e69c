import { expect, it } from "vitest";
import {
  collected,
  counter,
  exponentialHistogram,
  gauge,
  histogram,
  recorded,
  upDownCounter,
} from "../test/metric-data.ts";
import { countMetrics } from "./health.ts";

it("counts up-down counters as gauges and both kinds of histograms as histograms", () => {
  const none = { offset: 0, bucketCounts: [] };
  const metrics = collected([
    counter({ name: "a" }, [
      [{}, 1],
      [{ x: 1 }, 2],
    ]),
    upDownCounter({ name: "b" }, [[{}, 1]]),
    gauge({ name: "c" }, [[{}, 1]]),
    histogram({ name: "d" }, [[{}, recorded([1], [1])]]),
    exponentialHistogram({ name: "e" }, [
      [{}, { count: 0, sum: 0, scale: 0, zeroCount: 0, positive: none, negative: none }],
    ]),
  ]);
  expect(countMetrics(metrics)).toEqual({ counters: 1, gauges: 2, histograms: 2, series: 6 });
});
