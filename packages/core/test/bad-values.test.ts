import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { listenToDiag, startCore } from "./collecting.ts";
import { cyclic, hostileProxy, throwingGetters } from "./hostile.ts";

const placed = {
  name: "orders.placed",
  instrument: "counter",
  unit: "{order}",
  description: "Orders placed",
  attributes: { shop: { kind: "string", optional: true }, size: { kind: "number", optional: true } },
} as const;
const spread = { ...placed, name: "orders.spread", instrument: "histogram", buckets: [1, 10] } as const;
const level = { ...placed, name: "orders.level", instrument: "gauge" } as const;

const refusedValues: readonly (readonly [name: string, value: unknown, reason: string])[] = [
  ["NaN", NaN, "not_finite"],
  ["Infinity", Infinity, "not_finite"],
  ["-Infinity", -Infinity, "not_finite"],
  ["a negative count", -1, "negative"],
  ["a negative BigInt", -1n, "negative"],
  ["2^70", 2 ** 70, "too_large"],
  ["a huge BigInt", 2n ** 70n, "too_large"],
  ["a text", "5", "not_a_number"],
  ["null", null, "not_a_number"],
  ["undefined", undefined, "not_a_number"],
  ["a Date", new Date(), "not_a_number"],
  ["a function", () => 5, "not_a_number"],
  ["a Symbol", Symbol("5"), "not_a_number"],
  ["a cyclic object", cyclic(), "not_a_number"],
  ["an object that throws", throwingGetters("valueOf", "toString"), "not_a_number"],
  ["a hostile proxy", hostileProxy(), "not_a_number"],
];

test.each(refusedValues)("%s as a value is refused and counted, and poisons no sum", async (_name, value, reason) => {
  const told = listenToDiag();
  const { core, collect } = startCore();
  const own = core.defineMeters({ placed, spread });
  for (const each of [7, value, value, 5]) {
    own.placed.add(each as number, { shop: "north" });
    own.spread.record(each as number);
  }
  const collection = await collect();
  expect(collection.total("orders.placed")).toBe(12);
  expect(collection.total("orders.spread")).toBe(12);
  expect(collection.count("orders.spread")).toBe(2);
  expect(collection.total("meterbridge.values.refused", { meter: "orders.placed", reason })).toBe(2);
  expect(collection.total("meterbridge.values.refused", { meter: "orders.spread", reason })).toBe(2);
  expect(collection.total("meterbridge.values.refused")).toBe(4);
  expect(told).toHaveLength(2);
});

test("a small BigInt is a number, and what may fall may be negative", async () => {
  const { core, collect } = startCore();
  const own = core.defineMeters({
    placed,
    level,
    balance: { ...placed, name: "balance", instrument: "upDownCounter" },
  });
  own.placed.add(5n as unknown as number);
  own.level.record(-3);
  own.balance.add(-4);
  own.level.record(-(2 ** 70));
  const collection = await collect();
  expect(collection.total("orders.placed")).toBe(5);
  expect(collection.total("orders.level")).toBe(-3);
  expect(collection.total("balance")).toBe(-4);
  expect(collection.total("meterbridge.values.refused", { meter: "orders.level", reason: "too_large" })).toBe(1);
});

const labels: readonly (readonly [name: string, value: unknown, label: unknown, reason?: string])[] = [
  ["null", null, undefined],
  ["a cyclic object", cyclic(), "other", "attribute_value"],
  ["a hostile proxy", hostileProxy(), "other", "attribute_value"],
  ["a function", () => "north", "other", "attribute_value"],
  ["a Symbol", Symbol("north"), "other", "attribute_value"],
  ["a Date", new Date(), "other", "attribute_value"],
  ["a list", ["north"], "other", "attribute_value"],
  ["NaN", NaN, "other", "attribute_value"],
  ["a number", 12, "12"],
  ["a BigInt", 2n ** 70n, "1180591620717411303424"],
  ["true", true, "true"],
  ["a lone surrogate", "north\ud800", "north\ufffd"],
  ["a text of 1 MB", "n".repeat(1_000_000), "n".repeat(255), "attribute_cut"],
  ["a text cut within an emoji", `${"n".repeat(254)}😀`, `${"n".repeat(254)}\ufffd`, "attribute_cut"],
  ["newlines, quotes and a backslash", 'a\n"b"\\', 'a\n"b"\\'],
  ["NUL", "a\0b", "a\0b"],
  ["an exposition injection", 'x"} 1\nup 0', 'x"} 1\nup 0'],
  ["__proto__", "__proto__", "__proto__"],
];

test.each(labels)(
  "%s as an attribute's value makes a safe label and loses no unit",
  async (_name, value, label, reason) => {
    const { core, collect } = startCore();
    const own = core.defineMeters({ placed });
    own.placed.add(2, { shop: value as string });
    own.placed.add(3, { shop: value as string });
    const collection = await collect();
    expect(collection.points("orders.placed")).toEqual([
      { attributes: label === undefined ? {} : { shop: label }, value: 5, count: 1 },
    ]);
    expect(collection.total("meterbridge.values.refused")).toBe(reason === undefined ? 0 : 2);
    expect(collection.total("meterbridge.values.refused", { reason: reason ?? "attribute_value" })).toBe(
      reason ? 2 : 0,
    );
  },
);

test("a label that is a piece of a long text does not keep that text in memory", () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const { core } = startCore();
  const own = core.defineMeters({ placed });
  own.placed.add(1, { shop: "first" });
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 60; index++) {
    const long = `${index} `.padEnd(1_000_000, "n");
    own.placed.add(1, { shop: long });
    own.placed.add(1, { shop: long.slice(0, 20) });
    core.withAttribution({ tenant: long.slice(0, 30) }, () => own.placed.add(1));
  }
  collectGarbage();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
});

const attributeObjects: readonly (readonly [name: string, attributes: unknown, recorded: object, reason?: string])[] = [
  ["null", null, {}],
  ["a text", "north", {}, "attribute_value"],
  ["a number", 5, {}, "attribute_value"],
  ["a Symbol", Symbol("north"), {}, "attribute_value"],
  ["a function", () => ({ shop: "north" }), {}, "attribute_value"],
  ["a list", ["north"], {}, "attribute_unknown"],
  ["a Date", new Date(), {}],
  ["a cyclic object", cyclic(), {}, "attribute_unknown"],
  ["an object with another key", { shop: "north", customer: "c-1" }, { shop: "north" }, "attribute_unknown"],
  [
    "an object with the key __proto__",
    JSON.parse('{"__proto__": "x", "shop": "north"}'),
    { shop: "north" },
    "attribute_unknown",
  ],
  ["an object without prototype", Object.assign(Object.create(null), { shop: "north" }), { shop: "north" }],
  [
    "a getter that throws",
    {
      size: 4,
      get shop(): string {
        throw new Error("hostile");
      },
    },
    { shop: "other", size: 4 },
    "attribute_value",
  ],
  ["a hostile proxy", hostileProxy(), { shop: "other", size: "other" }, "attribute_value"],
];

test.each(attributeObjects)(
  "%s passed as attributes does not throw, and the value counts",
  async (_name, attributes, recorded, reason) => {
    const { core, collect } = startCore();
    const own = core.defineMeters({ placed });
    own.placed.add(4, attributes as { shop: string });
    const collection = await collect();
    expect(collection.points("orders.placed")).toEqual([{ attributes: recorded, value: 4, count: 1 }]);
    if (reason === undefined) expect(collection.names).not.toContain("meterbridge.values.refused");
    else expect(collection.total("meterbridge.values.refused", { meter: "orders.placed", reason })).toBeGreaterThan(0);
  },
);

test("an attribute object that is changed and used again relabels nothing that was recorded", async () => {
  const { core, collect } = startCore();
  const own = core.defineMeters({ placed });
  const attributes = { shop: "north" };
  own.placed.add(1, attributes);
  attributes.shop = "south";
  own.placed.add(10, attributes);
  attributes.shop = "west";
  const points = (await collect()).points("orders.placed");
  expect(points.map(({ attributes: { shop }, value }) => [shop, value])).toEqual([
    ["north", 1],
    ["south", 10],
  ]);
});

test("values observed by a callback are checked too, and a callback that throws or rejects ends no collection", async () => {
  const { core, collect } = startCore();
  const { depth } = core.defineMeters({ depth: { ...placed, name: "queue.depth", instrument: "observableGauge" } });
  depth.observe((observe) => {
    observe(NaN, { shop: "nan" });
    observe("5" as unknown as number, { shop: "text" });
    observe(3, { shop: hostileProxy() as unknown as string });
    observe(4, hostileProxy());
    observe(5, { shop: "north" });
    throw new Error("hostile");
  });
  const rejecting: Parameters<typeof depth.observe>[0] = (observe): unknown => {
    observe(6, { shop: "south" });
    return Promise.reject(new Error("hostile"));
  };
  depth.observe(rejecting);
  await collect();
  const collection = await collect();
  expect(collection.total("queue.depth", { shop: "north" })).toBe(5);
  expect(collection.total("queue.depth", { shop: "south" })).toBe(6);
  const refused = (reason: string): number =>
    collection.total("meterbridge.values.refused", { meter: "queue.depth", reason });
  expect(refused("not_finite")).toBeGreaterThan(0);
  expect(refused("not_a_number")).toBeGreaterThan(0);
  expect(refused("recorder_failed")).toBeGreaterThan(1);
});
