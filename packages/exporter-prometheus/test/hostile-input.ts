import type { Attributes, Meter } from "@opentelemetry/api";

/** Something an application may do to the OpenTelemetry API, and what Prometheus should then answer. */
export interface HostileInput {
  readonly what: string;
  record(meter: Meter): void;
  /** PromQL to value. `J` stands for a matcher of this case's job. */
  readonly expected: Readonly<Record<string, number>>;
  /** Set where `promtool check metrics` has reason to complain: what is wrong is the application's own name. */
  readonly lint?: string;
}

/** A counter `calls` with one ordinary call, and one with the given attributes. */
function calls(what: string, attributes: unknown, expected: Readonly<Record<string, number>> = {}): HostileInput {
  return {
    what,
    record(meter) {
      const counter = meter.createCounter("calls", { description: "Calls" });
      counter.add(1, { ordinary: "yes" });
      counter.add(2, attributes as Attributes);
    },
    expected: { "sum(calls_total{J})": 3, ...expected },
  };
}

const injection = 'x"} 1\nevil_total{a="b';
const megabyte = "x".repeat(1_000_000);

export const hostileInputs: readonly HostileInput[] = [
  calls("label `1abc`", { "1abc": "v" }, { 'calls_total{J,_1abc="v"}': 2 }),
  calls("label ``", { "": "v" }, { 'calls_total{J,_="v"}': 2 }),
  calls("label `le`", { le: "5" }, { 'calls_total{J,exported_le="5"}': 2 }),
  calls("label `quantile`", { quantile: "0.5" }, { 'calls_total{J,exported_quantile="0.5"}': 2 }),
  calls("label `__name__`", { __name__: "other" }, { 'calls_total{J,_name_="other"}': 2 }),
  calls("label `__proto__`", JSON.parse('{"__proto__":"p","constructor":"c"}'), {
    'calls_total{J,_proto_="p",constructor="c"}': 2,
  }),
  calls(
    "label `otel_scope_name`",
    { otel_scope_name: "mine", otel_scope_version: "1" },
    {
      'calls_total{J,otel_scope_name="mine"}': 2,
    },
  ),
  calls(
    "labels `job` and `instance`",
    { job: "j", instance: "i" },
    {
      'calls_total{J,exported_job="j",exported_instance="i"}': 2,
    },
  ),
  calls("label `a.b` beside `a_b`", { a_b: "2", "a.b": "1" }, { 'calls_total{J,a_b="1;2"}': 2 }),
  calls("a label that is no ASCII", { модель: "v", 模型: "w" }, { 'calls_total{J,_="v;w"}': 2 }),
  calls("an empty value", { empty: "" }),
  calls("a string passed as attributes", "tenant"),
  calls("a number passed as attributes", 5),
  calls("an array passed as attributes", ["x"], { 'calls_total{J,_0="x"}': 2 }),
  calls(
    "function, Symbol, Date and undefined values",
    {
      function: () => "secret",
      symbol: Symbol("s"),
      date: new Date(0),
      none: undefined,
      nan: Number.NaN,
    },
    { 'calls_total{J,function="[function]",symbol="Symbol(s)",date="1970-01-01T00:00:00.000Z",nan="NaN"}': 2 },
  ),
  calls(
    "array, object, null and boolean values",
    { list: ["a", 1], object: { a: 1 }, nothing: null, yes: true },
    {
      'calls_total{J,list="[\\"a\\",1]",object="{\\"a\\":1}",yes="true"}': 2,
    },
  ),
  calls("a lone surrogate", { text: "\ud800!" }, { 'calls_total{J,text=~".!"}': 2 }),
  calls(
    "newlines, quotes, backslashes, NUL and other controls",
    { text: 'a\nb"c\\d\0e\rf\u2028g\x1bh\x7f' },
    {
      'calls_total{J,text="a\\nb\\"c\\\\d\\u0000e\\rf\\u2028g\\u001bh\\u007f"}': 2,
    },
  ),
  calls(
    "exposition injection by a value",
    { text: injection },
    { [`calls_total{J,text=${JSON.stringify(injection)}}`]: 2 },
  ),
  calls("exposition injection by a key", { [injection]: "v" }, { 'calls_total{J,x_1_evil_total_a_b="v"}': 2 }),
  {
    what: "exposition injection by name, unit and description",
    record(meter) {
      meter
        .createCounter('calls\nevil_total 9\n# TYPE x"', { unit: "s\n9", description: "a\n# EOF\nevil_total 9" })
        .add(3);
    },
    expected: { "sum(calls_evil_total_9_TYPE_x_s_9_total{J})": 3 },
    lint: "abbreviated units",
  },
  {
    what: "600 values of one megabyte",
    record(meter) {
      const counter = meter.createCounter("calls", { description: "Calls" });
      for (let index = 0; index < 600; index++) counter.add(1, { text: `${index}-${megabyte}` });
    },
    expected: { "sum(calls_total{J})": 600, "count(calls_total{J})": 600 },
  },
  {
    what: "attributes changed after the call",
    record(meter) {
      const counter = meter.createCounter("calls", { description: "Calls" });
      const attributes = { model: "a" };
      counter.add(1, attributes);
      attributes.model = "b";
      counter.add(2, { model: "b" });
      counter.add(4, attributes);
    },
    expected: { "sum(calls_total{J})": 7 },
  },
  {
    what: "label `le` on a histogram",
    record(meter) {
      const options = { unit: "s", description: "Time", advice: { explicitBucketBoundaries: [1, 10] } };
      meter.createHistogram("wait", options).record(5, { le: "mine", "a.b": 1, a_b: 2 });
    },
    expected: {
      'wait_seconds_bucket{J,le="10.0",exported_le="mine",a_b="1;2"}': 1,
      'wait_seconds_bucket{J,le="1.0"}': 0,
      "wait_seconds_sum{J}": 5,
      "wait_seconds_count{J}": 1,
    },
  },
  {
    what: "histogram bounds that are repeated and infinite",
    record(meter) {
      const advice = { explicitBucketBoundaries: [1, 1, 2, Infinity, -Infinity] };
      meter.createHistogram("wait", { description: "Time", advice }).record(1.5);
    },
    expected: { 'wait_bucket{J,le="2.0"}': 1, 'wait_bucket{J,le="1.0"}': 0, "count(wait_bucket{J})": 3 },
  },
  {
    what: "counters that became NaN, infinite and negative",
    record(meter) {
      const counter = meter.createCounter("calls", { description: "Calls" });
      counter.add(3, { is: "fine" });
      counter.add(Number.NaN, { is: "nan" });
      counter.add(Infinity, { is: "infinite" });
      counter.add(-5, { is: "negative" });
      counter.add(2 ** 70, { is: "large" });
    },
    expected: {
      'calls_total{J,is="fine"}': 3,
      'calls_total{J,is="nan"}': Number.NaN,
      'calls_total{J,is="infinite"}': Infinity,
      'calls_total{J,is="large"}': 2 ** 70,
    },
  },
  {
    what: "gauges that are NaN and infinite, histograms of both",
    record(meter) {
      const gauge = meter.createGauge("level", { description: "Level" });
      gauge.record(Number.NaN, { is: "nan" });
      gauge.record(-Infinity, { is: "down" });
      const histogram = meter.createHistogram("wait", { description: "Time" });
      histogram.record(Number.NaN);
      histogram.record(Infinity);
      histogram.record(1);
    },
    expected: {
      'level{J,is="nan"}': Number.NaN,
      'level{J,is="down"}': -Infinity,
      "wait_count{J}": 2,
      "wait_sum{J}": Infinity,
    },
  },
  {
    what: "counter `c.total` beside gauge `c_total`, and one name with two types",
    record(meter) {
      meter.createCounter("c.total", { description: "C" }).add(1);
      meter.createGauge("c_total", { description: "C" }).record(2);
      meter.createCounter("d", { description: "D" }).add(3);
      meter.createHistogram("d", { description: "D" }).record(4);
    },
    expected: { "c_total{J}": 1, "c_total_gauge{J}": 2, "d_total{J}": 3, "d_histogram_sum{J}": 4 },
    lint: "should not include type",
  },
  {
    what: "a metric without a name, and one of a thousand letters",
    record(meter) {
      meter.createCounter("", { description: "None" }).add(1);
      meter.createCounter("n".repeat(1000), { description: "Long" }).add(2);
    },
    expected: { "__total{J}": 1, [`${"n".repeat(255)}_total{J}`]: 2 },
  },
];
