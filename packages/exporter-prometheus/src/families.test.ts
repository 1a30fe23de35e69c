import type { MetricData } from "@opentelemetry/sdk-metrics";
import { describe, expect, it } from "vitest";
import { collected, counter, gauge, histogram, recorded, scopes, upDownCounter } from "../test/metric-data.ts";
import { gatherFamilies } from "./families.ts";

function gather(metrics: MetricData[], reserved: string[] = []): { names: Record<string, number>; warnings: string[] } {
  const warnings: string[] = [];
  const families = gatherFamilies(collected(metrics).scopeMetrics, reserved, (warning) => warnings.push(warning));
  return { names: Object.fromEntries(families.map(({ name, members }) => [name, members.length])), warnings };
}

const aCounter = (name: string, unit = ""): MetricData => counter({ name, unit }, [[{}, 1]]);
const aGauge = (name: string, unit = ""): MetricData => gauge({ name, unit }, [[{}, 1]]);
const aHistogram = (name: string, unit = ""): MetricData => histogram({ name, unit }, [[{}, recorded([1], [1])]]);

describe("gatherFamilies", () => {
  it("joins metrics of one name, kind and unit into one family, because Prometheus takes one TYPE", () => {
    expect(gather([aCounter("a.b"), aCounter("a_b"), aCounter("a-b.total")])).toEqual({
      names: { a_b: 3 },
      warnings: [],
    });
    expect(gather([aHistogram("wait", "s"), aHistogram("wait_seconds")])).toEqual({
      names: { wait_seconds: 2 },
      warnings: [],
    });
  });

  it("keeps a counter and a gauge that end with one name both visible, and says so once", () => {
    expect(gather([aGauge("c_total"), aCounter("c.total")])).toEqual({
      names: { c: 1, c_total_gauge: 1 },
      warnings: [
        'metric "c_total" (gauge) is exposed as "c_total_gauge", because the name "c_total" is taken by "c.total" (counter): ' +
          "rename one of them",
      ],
    });
  });

  it.each([
    ["a gauge named as a histogram's count", [aHistogram("h"), aGauge("h.count")], { h: 1, h_count_gauge: 1 }],
    ["a gauge named as a histogram", [aHistogram("h"), aGauge("h")], { h: 1, h_gauge: 1 }],
    ["an up-down counter named as a gauge", [aGauge("g"), upDownCounter({ name: "g" }, [])], { g: 1, g_gauge: 1 }],
    ["a gauge named as a counter's creation time", [aCounter("c"), aGauge("c.created")], { c: 1, c_created_gauge: 1 }],
    ["gauges of different units", [aGauge("q", "{user}"), aGauge("q", "{item}")], { q: 1, q_user: 1 }],
    [
      "gauges with units before and in the name",
      [aGauge("x", "s"), aGauge("x.seconds", "ms")],
      { x_seconds: 1, x_seconds_milliseconds: 1 },
    ],
  ] as const)("keeps %s visible under another name", (_, metrics, names) => {
    expect(gather([...metrics]).names).toEqual(names);
    expect(gather(metrics.toReversed()).names).toEqual(names);
  });

  it("keeps the name of target_info free", () => {
    expect(gather([aGauge("target.info")], ["target", "target_info"]).names).toEqual({ target_info_gauge: 1 });
  });

  it("finds a free name however many metrics want one", () => {
    const metrics = [aCounter("x"), aGauge("x"), aGauge("x", "{a}"), aGauge("x", "{b}"), aHistogram("x")];
    expect(gather(metrics).names).toEqual({ x: 1, x_gauge: 2, x_gauge_2: 1, x_histogram: 1 });
  });

  it("gives the same names whatever order the libraries report in", () => {
    const one = ["one", [aGauge("m"), aHistogram("n")]] as const;
    const two = ["two", [aCounter("m"), aCounter("n")]] as const;
    const namesOf = (given: Parameters<typeof scopes>[0]): string[] =>
      gatherFamilies(scopes(given).scopeMetrics, [], () => {}).map(({ name }) => name);
    expect(namesOf([one, two])).toEqual(["m", "m_gauge", "n", "n_histogram"]);
    expect(namesOf([two, one])).toEqual(namesOf([one, two]));
  });
});
