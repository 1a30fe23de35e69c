import { DataPointType } from "@opentelemetry/sdk-metrics";
import { ValueType } from "@opentelemetry/api";
import { describe, expect, it } from "vitest";
import { createCombination } from "./combine-instances.ts";
import { deserialise, type InstanceMetric, serialise } from "./instance-metrics.ts";
import type { GaugeRule } from "./prometheus-options.ts";

const options = { across: "cluster", gauges: "sum", gaugeRules: {}, deadlineMillis: 1 } as const;

function level(value: number, at: number): InstanceMetric {
  return {
    scope: { name: "test" },
    descriptor: { name: "level", unit: "", description: "", valueType: ValueType.DOUBLE },
    dataPointType: DataPointType.GAUGE,
    isMonotonic: false,
    points: [{ attributes: { a: "1", b: "2" }, value, startTime: [0, 0], endTime: [at, 0] }],
  };
}

describe("createCombination", () => {
  it.each([
    ["last", 4],
    ["max", 7],
    ["min", 4],
    ["sum", 11],
  ] satisfies [GaugeRule, number][])("shows one level by the rule %s, whoever told first", async (gauges, expected) => {
    const early = { instance: "1", metrics: [level(7, 10)] };
    const late = { instance: "2", metrics: [level(4, 20)] };
    for (const order of [
      [early, late],
      [late, early],
    ]) {
      const [metric] = await createCombination({ ...options, gauges }).combine(order);
      expect(metric?.points.map(({ value }) => value)).toEqual([expected]);
    }
  });

  it("hands out the same attribute object at each scrape, so that its labels stay rendered", async () => {
    const combination = createCombination(options);
    const attributes = async (): Promise<unknown> =>
      (await combination.combine([{ instance: "1", metrics: [level(1, 1)] }]))[0]?.points[0]?.attributes;
    expect(await attributes()).toBe(await attributes());
  });
});

describe("serialise", () => {
  it("keeps what JSON would lose: infinities and numbers that are none", () => {
    const values = [Number.NaN, Infinity, -Infinity, 0.1].map((value) => level(value, 1));
    expect(deserialise(serialise(values))).toEqual(values);
  });

  it("takes attributes that cannot be sent, as the text they would be shown as", () => {
    const [point] = level(1, 1).points;
    const odd = { call: () => 1, symbol: Symbol("s"), list: ["a", 1], none: undefined };
    const metric = { ...level(1, 1), points: [{ ...point!, attributes: odd as unknown as Record<string, string> }] };
    expect(deserialise(serialise([metric]))[0]?.points[0]?.attributes).toEqual({
      call: "[function]",
      symbol: "Symbol(s)",
      list: '["a",1]',
      none: "",
    });
  });
});
