import { type Attributes, ValueType } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AggregationTemporality, DataPointType, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { describe, expect, it } from "vitest";
import { sanitiseAttributes } from "./sanitise-attributes.ts";
import { createSerialiser } from "./serialiser.ts";

const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;

let branching: unknown = "leaf";
for (let level = 0; level < 40; level++) branching = [branching, branching];

let deep: unknown = "bottom";
for (let level = 0; level < 100_000; level++) deep = { deep };

const throwing = {
  get property(): never {
    throw new Error("not for reading");
  },
};
const revoked = Proxy.revocable({}, {});
revoked.revoke();

// By name: a test runner that prints these values throws or hangs itself.
const hostile = new Map<string, unknown>([
  ["a function", () => 1],
  ["a symbol", Symbol("name")],
  ["a BigInt", 2n ** 70n],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["2^70", 2 ** 70],
  ["a cyclic object", cyclic],
  ["an object that branches without end", branching],
  ["an object 100,000 levels deep", deep],
  ["an object that throws when read", throwing],
  ["a revoked proxy", revoked.proxy],
  ["a sparse array of 2^32 - 1", Object.assign([], { length: 2 ** 32 - 1 })],
  ["null", null],
  ["undefined", undefined],
  ["a Date", new Date(0)],
  ["a lone surrogate", "\ud800"],
  ["an array with NaN in it", [1, Number.NaN]],
  ["bytes", new Uint8Array([1, 2])],
]);

describe("attributes", () => {
  it("that are fine are given back untouched", () => {
    const fine: Attributes = { text: "a", number: 1.5, flag: true, list: ["a", "b"], nested: { a: [1] } };

    expect(sanitiseAttributes(fine)).toBe(fine);
  });

  it.each<[string, unknown]>([
    ["NaN", "NaN"],
    ["Infinity", "Infinity"],
    ["2^70", "1.1805916207174113e+21"],
    ["a BigInt", "1180591620717411303424"],
    ["a symbol", "Symbol(name)"],
    ["a function", "[function]"],
    ["a cyclic object", { self: "[cyclic]" }],
    ["an object that throws when read", "[unreadable]"],
    ["a revoked proxy", "[unreadable]"],
    ["an array with NaN in it", [1, "NaN"]],
  ])("keep %s apart from other values, as text", (name, expected) => {
    expect(sanitiseAttributes(attributesOf(hostile.get(name)))).toEqual({ value: expected, other: "kept" });
  });

  it("that are used twice side by side are not taken for a cycle", () => {
    const shared = { bad: Number.NaN };

    expect(sanitiseAttributes(attributesOf([shared, shared]))).toMatchObject({
      value: [{ bad: "NaN" }, { bad: "NaN" }],
    });
  });

  it.each([...hostile.keys()])("with %s neither throw out of a serialiser nor hang it", (name) => {
    const metrics = metricsWith(attributesOf(hostile.get(name)));
    const serialise = (protocol: "http/json" | "http/protobuf"): string =>
      Buffer.from(createSerialiser(protocol).serialise(metrics, 0, () => false)).toString();

    const json = serialise("http/json");
    expect(json).toContain('"key":"other","value":{"stringValue":"kept"}');
    expect(json, "a number that became null is refused by collectors").not.toMatch(/(double|int)Value":(null|.*e\+)/);
    expect(serialise("http/protobuf")).toContain("kept");
  });
});

function attributesOf(value: unknown): Attributes {
  const attributes: Attributes = { other: "kept" };
  Object.defineProperty(attributes, "value", { value, enumerable: true });
  return attributes;
}

/** On a point and on the resource. */
function metricsWith(attributes: Attributes): ResourceMetrics {
  return {
    resource: Object.create(resourceFromAttributes({}), { attributes: { value: attributes } }),
    scopeMetrics: [
      {
        scope: { name: "test" },
        metrics: [
          {
            descriptor: { name: "orders", description: "", unit: "1", valueType: ValueType.DOUBLE },
            aggregationTemporality: AggregationTemporality.CUMULATIVE,
            dataPointType: DataPointType.SUM,
            isMonotonic: true,
            dataPoints: [{ attributes, startTime: [1, 0], endTime: [2, 0], value: 1 }],
          },
        ],
      },
    ],
  };
}
