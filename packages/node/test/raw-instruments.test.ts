import { prometheus } from "@meterbridge/exporter-prometheus";
import { metrics, ValueType } from "@opentelemetry/api";
import { afterEach, describe, expect, test } from "vitest";
import { start, type Sdk } from "../src/index.ts";

let sdk: Sdk | undefined;
afterEach(() => sdk?.shutdown());

function started() {
  const exporter = prometheus({ server: false });
  sdk = start({ exporters: [exporter], serviceName: "raw", logLevel: "none", priceBook: null });
  return { render: exporter.render, meter: metrics.getMeter("a-library") };
}

const cyclic: Record<string, unknown> = {};
cyclic["self"] = cyclic;
const throwing = Object.defineProperty({ kind: "a" }, "bad", {
  enumerable: true,
  get: () => {
    throw new Error("hostile getter");
  },
});
const proxy = new Proxy(
  {},
  {
    ownKeys: () => {
      throw new Error("hostile proxy");
    },
  },
);

describe("a library that calls the OpenTelemetry API wrongly cannot throw into the application, nor cost a scrape", () => {
  test.each<[string, unknown]>([
    ["null", null],
    ["a text", "kind"],
    ["a number", 7],
    ["true", true],
    ["a list", ["kind"]],
    ["a BigInt value", { kind: 1n }],
    ["a cyclic value", { kind: cyclic }],
    ["a throwing getter", throwing],
    ["a frozen object with a BigInt value", Object.freeze({ kind: 1n })],
    ["a frozen object with a cyclic value", Object.freeze({ kind: cyclic })],
    [
      "a frozen object with a throwing getter",
      Object.freeze(Object.create(null, Object.getOwnPropertyDescriptors(throwing))),
    ],
    ["a throwing proxy", proxy],
    ["a function", { kind: () => 1 }],
    ["a Symbol", { kind: Symbol("kind") }],
    ["a Date", { kind: new Date(0) }],
    ["NaN", { kind: Number.NaN }],
    ["__proto__", JSON.parse('{"__proto__":{"polluted":true}}')],
    ["a key with a quote", { 'a"b': "x" }],
  ])("attributes: %s", async (_what, attributes) => {
    const { meter, render } = started();
    const counter = meter.createCounter("calls");
    const histogram = meter.createHistogram("sizes");
    for (let round = 1; round <= 2; round++) {
      counter.add(1, attributes as never);
      histogram.record(5, attributes as never);
      const page = await render();
      expect(page).toMatch(new RegExp(`^calls_total(\\{.*\\})? ${round}$`, "m"));
      expect(page).toMatch(new RegExp(`^sizes_count(\\{.*\\})? ${round}$`, "m"));
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test.each<[string, unknown]>([
    ["NaN", Number.NaN],
    ["Infinity", Infinity],
    ["a negative count", -1],
    ["a text", "5"],
    ["a BigInt", 5n],
    ["null", null],
    ["an object", {}],
  ])("values: %s leaves the sum as it was, and is counted", async (_what, value) => {
    const { meter, render } = started();
    const counter = meter.createCounter("calls");
    counter.add(2);
    counter.add(value as never);
    counter.add(3);
    const page = await render();
    expect(page).toMatch(/^calls_total 5$/m);
    expect(page).toMatch(/^meterbridge_values_refused_total\{meter="calls",reason="\w+"\} 1$/m);
  });

  test("an integer beyond what OTLP can carry is refused", async () => {
    const { meter, render } = started();
    const counter = meter.createCounter("calls", { valueType: ValueType.INT });
    counter.add(1);
    counter.add(2 ** 70);
    expect(await render()).toMatch(/^calls_total 1$/m);
  });

  test("attributes that are changed after the call do not relabel what was recorded", async () => {
    const { meter, render } = started();
    const counter = meter.createCounter("calls");
    const attributes = { tenant: "acme" };
    counter.add(1, attributes);
    attributes.tenant = "globex";
    counter.add(1, attributes);
    const page = await render();
    expect(page).toMatch(/^calls_total\{tenant="acme"\} 1$/m);
    expect(page).toMatch(/^calls_total\{tenant="globex"\} 1$/m);
  });

  test("other meters keep what they recorded meanwhile", async () => {
    const { meter, render } = started();
    meter.createUpDownCounter("open").add(2);
    meter.createGauge("level").record(3, "text" as unknown as undefined);
    meter.createCounter("calls").add(1, cyclic);
    const page = await render();
    expect(page).toMatch(/^open 2$/m);
    expect(page).toMatch(/^level 3$/m);
  });
});
