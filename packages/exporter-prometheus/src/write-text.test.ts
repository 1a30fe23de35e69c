import type { MetricData } from "@opentelemetry/sdk-metrics";
import { describe, expect, it } from "vitest";
import { collected, counter, gauge, histogram, recorded } from "../test/metric-data.ts";
import { render, type RenderOptions } from "./render-text.ts";

const lines = (metrics: readonly MetricData[], options: RenderOptions): string[] =>
  render(collected(metrics), { withTargetInfo: false, ...options }).split("\n");
const trace = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };

function withExemplars(metric: MetricData, exemplars: readonly object[]): MetricData {
  for (const point of metric.dataPoints) Object.assign(point, { exemplars });
  return metric;
}

describe("exemplars in OpenMetrics", () => {
  const at = (value: number, seconds: number): object => ({ value, timestamp: [seconds, 250_000_000], ...trace });

  it("lead from a counter to the latest trace behind it", () => {
    const metric = withExemplars(counter({ name: "c" }, [[{ a: "1" }, 5]]), [at(1, 10), at(2, 30), at(3, 20)]);
    expect(lines([metric], { format: "openmetrics" })).toContain(
      `c_total{a="1"} 5 # {trace_id="${trace.traceId}",span_id="${trace.spanId}"} 2 30.25`,
    );
  });

  it("stand beside the bucket that they were counted in, and no other", () => {
    const metric = withExemplars(histogram({ name: "h" }, [[{}, recorded([1, 10], [1, 5, 50])]]), [
      at(1, 10),
      at(50, 20),
    ]);
    const found = lines([metric], { format: "openmetrics" }).filter((line) => line.startsWith("h_"));
    expect(found.map((line) => line.replace(/\{trace_id.*\}/, "{…}"))).toEqual([
      'h_bucket{le="1.0"} 1 # {…} 1 10.25',
      'h_bucket{le="10.0"} 2',
      'h_bucket{le="+Inf"} 3 # {…} 50 20.25',
      "h_sum 56",
      "h_count 3",
    ]);
  });

  it("are left out where the format has no place for them", () => {
    const metrics = [
      withExemplars(counter({ name: "c" }, [[{}, -1]]), [at(1, 10)]),
      withExemplars(gauge({ name: "g" }, [[{}, 1]]), [at(1, 10)]),
    ];
    expect(render(collected(metrics))).not.toContain("trace_id");
    expect(render(collected(metrics), { format: "openmetrics" })).not.toContain("trace_id");
  });

  it("hold no more than the 128 characters that readers take, and lose attributes rather than the trace", () => {
    const filteredAttributes = {
      "user.id": "u-1",
      long: "x".repeat(100),
      trace_id: "mine",
      le: "5",
      "user-id": "twice",
    };
    const metric = withExemplars(counter({ name: "c" }, [[{}, 5]]), [{ ...at(1, 10), filteredAttributes }]);
    const [line] = lines([metric], { format: "openmetrics" }).filter((each) => each.startsWith("c_total"));
    expect(line).toBe(
      `c_total 5 # {trace_id="${trace.traceId}",span_id="${trace.spanId}",user_id="u-1",exported_trace_id="mine",exported_le="5"} 1 10.25`,
    );
  });

  it("may come without a trace", () => {
    const metric = withExemplars(counter({ name: "c" }, [[{}, 5]]), [{ value: 1, timestamp: [1, 0] }]);
    expect(lines([metric], { format: "openmetrics" })).toContain("c_total 5 # {} 1 1");
  });
});

describe("the begin of a series", () => {
  it("is shown in OpenMetrics when asked for, beside its own series", () => {
    const metrics = [
      counter({ name: "c" }, [
        [{ a: "1" }, 5],
        [{ a: "2" }, 6],
      ]),
      histogram({ name: "h" }, [[{}, recorded([], [1])]]),
      gauge({ name: "g" }, [[{}, 1]]),
    ];
    const found = lines(metrics, { format: "openmetrics", withCreated: true }).filter((line) => !line.startsWith("#"));
    expect(found).toEqual([
      'c_total{a="1"} 5',
      'c_created{a="1"} 1700000000',
      'c_total{a="2"} 6',
      'c_created{a="2"} 1700000000',
      "g 1",
      'h_bucket{le="+Inf"} 1',
      "h_sum 1",
      "h_count 1",
      "h_created 1700000000",
      "",
    ]);
    expect(render(collected(metrics), { withCreated: true })).not.toContain("_created");
  });
});

describe("translation strategies", () => {
  const metrics = [
    counter({ name: "llm.cost", unit: "USD" }, [[{ "gen_ai.model": "m" }, 1]]),
    histogram({ name: "llm.wait", unit: "s" }, [[{}, recorded([1], [2])]]),
    gauge({ name: 'odd"name', unit: "1" }, [[{ "a:b": "1", __name__: "2", le: "3" }, 1]]),
  ];

  it.each([
    [
      "UnderscoreEscapingWithSuffixes",
      'llm_cost_usd_total{gen_ai_model="m"} 1',
      'llm_wait_seconds_bucket{le="1"} 0',
      "llm_wait_seconds_sum 2",
    ],
    [
      "UnderscoreEscapingWithoutSuffixes",
      'llm_cost{gen_ai_model="m"} 1',
      'llm_wait_bucket{le="1"} 0',
      "llm_wait_sum 2",
    ],
    [
      "NoUTF8EscapingWithSuffixes",
      '{"llm.cost_usd_total","gen_ai.model"="m"} 1',
      '{"llm.wait_seconds_bucket",le="1"} 0',
      '{"llm.wait_seconds_sum"} 2',
    ],
    ["NoTranslation", '{"llm.cost","gen_ai.model"="m"} 1', '{"llm.wait_bucket",le="1"} 0', '{"llm.wait_sum"} 2'],
  ] as const)(
    "%s gives each metric the name that the OpenTelemetry configuration promises",
    (translationStrategy, ...expected) => {
      const found = lines(metrics, { translationStrategy });
      for (const line of expected) expect(found).toContain(line);
    },
  );

  it("keep a name with quotes from breaking the text, and labels that Prometheus keeps for itself from vanishing", () => {
    const found = lines(metrics, { translationStrategy: "NoTranslation" });
    expect(found).toContain('# TYPE "odd\\"name" gauge');
    expect(found).toContain('{"odd\\"name","a:b"="1",exported__name__="2",exported_le="3"} 1');
  });

  it("give OpenMetrics no counter without `_total`, and no unit that its name does not end with", () => {
    const found = lines(metrics, { translationStrategy: "UnderscoreEscapingWithoutSuffixes", format: "openmetrics" });
    expect(found).toContain("# TYPE llm_cost unknown");
    expect(found.filter((line) => line.startsWith("# UNIT"))).toEqual([]);
  });

  it("keep two metrics apart whose names differ before they are translated alone", () => {
    const both = [counter({ name: "x_total" }, [[{}, 1]]), counter({ name: "x" }, [[{}, 2]])];
    const found = lines(both, { translationStrategy: "NoTranslation" });
    expect(found.filter((line) => !line.startsWith("#"))).toEqual(["x 2", "x_counter_total 1", ""]);
  });
});
