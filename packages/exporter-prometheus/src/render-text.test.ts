import { describe, expect, it } from "vitest";
import { parseExposition, total } from "../test/exposition-parser.ts";
import {
  collected,
  counter,
  exponentialHistogram,
  gauge,
  histogram,
  recorded,
  scopes,
  upDownCounter,
} from "../test/metric-data.ts";
import { render, type RenderOptions } from "./render-text.ts";

const plainText: RenderOptions = { withTargetInfo: false };
const openMetrics: RenderOptions = { withTargetInfo: false, format: "openmetrics" };

const everyKind = collected(
  [
    counter({ name: "llm.cost", unit: "USD", description: 'What calls "cost"\nin \\total' }, [
      [{ model: "gpt", "gen_ai.provider.name": 'o"ai' }, 1.5],
      [{}, 2],
    ]),
    histogram({ name: "llm.queue.duration", unit: "s", description: "Time in the queue" }, [
      [{ model: "gpt" }, recorded([0.5, 1], [0.25, 0.75, 4])],
    ]),
    gauge({ name: "task.success_ratio", unit: "1", description: "Share" }, [[{}, 0.5]]),
    upDownCounter({ name: "session.active", unit: "{session}" }, [[{}, -1]]),
  ],
  { "service.name": "shop", "service.version": "1" },
);

describe("render", () => {
  it("writes the Prometheus text format as Prometheus documents it", () => {
    expect(render(everyKind)).toBe(
      [
        "# HELP target_info Target metadata",
        "# TYPE target_info gauge",
        'target_info{service_name="shop",service_version="1"} 1',
        '# HELP llm_cost_usd_total What calls "cost"\\nin \\\\total',
        "# TYPE llm_cost_usd_total counter",
        'llm_cost_usd_total{gen_ai_provider_name="o\\"ai",model="gpt"} 1.5',
        "llm_cost_usd_total 2",
        "# HELP llm_queue_duration_seconds Time in the queue",
        "# TYPE llm_queue_duration_seconds histogram",
        'llm_queue_duration_seconds_bucket{model="gpt",le="0.5"} 1',
        'llm_queue_duration_seconds_bucket{model="gpt",le="1"} 2',
        'llm_queue_duration_seconds_bucket{model="gpt",le="+Inf"} 3',
        'llm_queue_duration_seconds_sum{model="gpt"} 5',
        'llm_queue_duration_seconds_count{model="gpt"} 3',
        "# HELP session_active OpenTelemetry metric session.active",
        "# TYPE session_active gauge",
        "session_active -1",
        "# HELP task_success_ratio Share",
        "# TYPE task_success_ratio gauge",
        "task_success_ratio 0.5",
        "",
      ].join("\n"),
    );
  });

  it("writes OpenMetrics with units, counters named without _total, an info target and # EOF", () => {
    expect(render(everyKind, { format: "openmetrics" })).toBe(
      [
        "# HELP target Target metadata",
        "# TYPE target info",
        'target_info{service_name="shop",service_version="1"} 1',
        '# HELP llm_cost_usd What calls \\"cost\\"\\nin \\\\total',
        "# TYPE llm_cost_usd counter",
        "# UNIT llm_cost_usd usd",
        'llm_cost_usd_total{gen_ai_provider_name="o\\"ai",model="gpt"} 1.5',
        "llm_cost_usd_total 2",
        "# HELP llm_queue_duration_seconds Time in the queue",
        "# TYPE llm_queue_duration_seconds histogram",
        "# UNIT llm_queue_duration_seconds seconds",
        'llm_queue_duration_seconds_bucket{model="gpt",le="0.5"} 1',
        'llm_queue_duration_seconds_bucket{model="gpt",le="1.0"} 2',
        'llm_queue_duration_seconds_bucket{model="gpt",le="+Inf"} 3',
        'llm_queue_duration_seconds_sum{model="gpt"} 5',
        'llm_queue_duration_seconds_count{model="gpt"} 3',
        "# HELP session_active OpenTelemetry metric session.active",
        "# TYPE session_active gauge",
        "session_active -1",
        "# HELP task_success_ratio Share",
        "# TYPE task_success_ratio gauge",
        "# UNIT task_success_ratio ratio",
        "task_success_ratio 0.5",
        "# EOF",
        "",
      ].join("\n"),
    );
  });

  it("is valid in both formats when there is nothing to show", () => {
    expect(render(collected([]))).toBe("");
    expect(render(collected([]), { format: "openmetrics" })).toBe("# EOF\n");
  });

  it("adds up series whose labels fall together, because a series given twice loses one of its values", () => {
    const text = render(
      collected([
        counter({ name: "c" }, [
          [{ "a.b": "x" }, 1],
          [{ a_b: "x" }, 2],
          [{ a_b: "x", empty: "" }, 4],
        ]),
        histogram({ name: "h" }, [
          [{ "a.b": "x" }, recorded([1], [0.5])],
          [{ a_b: "x" }, recorded([1], [2])],
        ]),
      ]),
      plainText,
    );
    expect(text).toContain('c_total{a_b="x"} 7\n');
    expect(text).toContain('h_bucket{a_b="x",le="1"} 1\nh_bucket{a_b="x",le="+Inf"} 2\nh_sum{a_b="x"} 2.5\n');
    parseExposition(text, "text");
  });

  it("shows the last of two gauges with the same labels, and says so", () => {
    const warnings: string[] = [];
    const metrics = scopes([
      ["one", [gauge({ name: "g" }, [[{}, 1]])]],
      ["two", [gauge({ name: "g" }, [[{}, 2]])]],
    ]);
    const text = render(metrics, { ...plainText, onWarning: (warning) => warnings.push(warning) });
    expect(text).toContain("\ng 2\n");
    expect(warnings).toEqual([
      'two series of gauge "g" have the same labels, and the last one is shown: give them different attributes, or set withScopeInfo',
    ]);
  });

  it("keeps libraries apart when asked for scope labels, and an attribute of that name too", () => {
    const points = [[{ otel_scope_name: "mine" }, 1]] as const;
    const metrics = scopes([
      ["one", [counter({ name: "c" }, points)]],
      ["two", [counter({ name: "c" }, points)]],
    ]);
    const text = render(metrics, { ...plainText, withScopeInfo: true });
    expect(text).toContain(
      'c_total{exported_otel_scope_name="mine",otel_scope_name="one",otel_scope_version="1.2.3"} 1\n',
    );
    expect(text).toContain(
      'c_total{exported_otel_scope_name="mine",otel_scope_name="two",otel_scope_version="1.2.3"} 1\n',
    );
    expect(render(metrics, plainText)).toContain('c_total{otel_scope_name="mine"} 2\n');
  });

  it("gives values that are no numbers the words Prometheus has for them", () => {
    const points = [
      [{ is: "nan" }, Number.NaN],
      [{ is: "up" }, Infinity],
      [{ is: "down" }, -Infinity],
    ] as const;
    const text = render(collected([gauge({ name: "g" }, points)]), plainText);
    expect(text).toContain('g{is="nan"} NaN\ng{is="up"} +Inf\ng{is="down"} -Inf\n');
  });

  it("shows a counter that became NaN or negative as unknown, because strict OpenMetrics readers refuse it", () => {
    const metrics = collected([
      counter({ name: "c", unit: "s" }, [
        [{}, Number.NaN],
        [{ a: 1 }, -1],
      ]),
    ]);
    const text = render(metrics, openMetrics);
    expect(text).toContain('# TYPE c_seconds_total unknown\nc_seconds_total NaN\nc_seconds_total{a="1"} -1\n');
    parseExposition(text, "openmetrics");
    parseExposition(render(metrics, plainText), "text");
  });

  it("leaves the sum out where a histogram has none", () => {
    const { buckets, count } = recorded([1], [0.5]);
    const text = render(collected([histogram({ name: "h" }, [[{}, { buckets, count }]])]), plainText);
    expect(text).toContain('h_bucket{le="+Inf"} 1\nh_count 1\n');
    expect(text).not.toContain("h_sum");
  });

  it("shows exponential histograms as buckets with exact sums, instead of nothing", () => {
    const value = {
      count: 4,
      sum: 7,
      scale: 0,
      zeroCount: 1,
      positive: { offset: 0, bucketCounts: [1, 2] },
      negative: { offset: 0, bucketCounts: [] },
    };
    const text = render(collected([exponentialHistogram({ name: "h" }, [[{}, value]])]), plainText);
    expect(text).toContain('h_bucket{le="0"} 1\nh_bucket{le="1"} 1\nh_bucket{le="2"} 2\nh_bucket{le="4"} 4\n');
    expect(text).toContain('h_bucket{le="+Inf"} 4\nh_sum 7\nh_count 4\n');
  });

  it("keeps each series's own bounds when two views disagree about them", () => {
    const metrics = collected([
      histogram({ name: "h" }, [[{ from: "a" }, recorded([1], [0.5])]]),
      histogram({ name: "h" }, [[{ from: "b" }, recorded([2], [0.5])]]),
    ]);
    const text = render(metrics, plainText);
    expect(text).toContain('h_bucket{from="a",le="1"} 1');
    expect(text).toContain('h_bucket{from="b",le="2"} 1');
    expect(total(parseExposition(text, "text"), "h_count")).toBe(2);
  });

  it("does not let one metric's broken description or unit cost the scrape", () => {
    const broken = counter({ name: "c" }, [[{}, 1]]);
    Object.assign(broken.descriptor, { description: Symbol("d"), unit: 5n });
    const text = render(collected([broken]), plainText);
    expect(text).toBe("# HELP c_5_total Symbol(d)\n# TYPE c_5_total counter\nc_5_total 1\n");
  });

  it("keeps nothing between two renderings", () => {
    expect(render(everyKind)).toBe(render(everyKind));
  });
});
