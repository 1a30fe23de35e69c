import { expect, expectTypeOf, test } from "vitest";
import { createCore } from "../src/core.ts";
import type { OwnMeter } from "../src/own-meter.ts";
import { startCore } from "./collecting.ts";

const placed = {
  name: "orders.placed",
  instrument: "counter",
  unit: "{order}",
  description: "Orders placed",
  attributes: { channel: ["web", "phone"], shop: "string", size: { kind: "number", optional: true } },
} as const;

test("the compiler finds a wrong key, a wrong word, a missing attribute and a wrong value before a dashboard does", () => {
  const own = createCore().defineMeters({
    placed,
    waiting: { name: "waiting", instrument: "upDownCounter", unit: "1", description: "Waiting" },
    level: { name: "level", instrument: "gauge", unit: "1", description: "Level", attributes: { hot: "boolean" } },
    spread: { name: "spread", instrument: "histogram", unit: "s", description: "Spread", buckets: [1] },
    depth: {
      name: "depth",
      instrument: "observableGauge",
      unit: "1",
      description: "Depth",
      attributes: { queue: "string" },
    },
    any: {
      name: "any",
      instrument: "counter",
      unit: "1",
      description: "Any",
      attributes: { shop: { kind: ["north", "south"], optional: true } },
    },
  });
  own.placed.add(1, { channel: "web", shop: "north" });
  own.placed.add(1, { channel: "phone", shop: "north", size: 3 });
  own.waiting.add(-1);
  own.level.record(1, { hot: true });
  own.spread.record(1);
  own.any.add(1);
  own.any.add(1, {});
  own.any.add(1, { shop: "south" });
  own.depth.observe((observe) => observe(1, { queue: "a" }))();

  // @ts-expect-error a key that the definition does not have
  own.placed.add(1, { channel: "web", shop: "north", color: "red" });
  // @ts-expect-error a word that is not in the list
  own.placed.add(1, { channel: "fax", shop: "north" });
  // @ts-expect-error a required attribute is missing
  own.placed.add(1, { channel: "web" });
  // @ts-expect-error all required attributes are missing
  own.placed.add(1);
  // @ts-expect-error a text where a number belongs
  own.placed.add(1, { channel: "web", shop: "north", size: "3" });
  // @ts-expect-error a text where a boolean belongs
  own.level.record(1, { hot: "yes" });
  // @ts-expect-error a meter without attributes takes none
  own.waiting.add(1, { shop: "north" });
  // @ts-expect-error an optional attribute's word that is not in the list
  own.any.add(1, { shop: "west" });
  // @ts-expect-error an observed attribute is missing
  own.depth.observe((observe) => observe(1));
  expect(() => {
    // @ts-expect-error a histogram records, it does not add
    own.spread.add(1);
  }).toThrow(TypeError);

  expectTypeOf(own.placed.add)
    .parameter(1)
    .toEqualTypeOf<
      { readonly channel: "web" | "phone"; readonly shop: string } & { readonly size?: number | undefined }
    >();
  expectTypeOf(own.placed).not.toHaveProperty("record");
  expectTypeOf(own.depth).not.toHaveProperty("add");
});

test.each<[rule: string, change: object]>([
  ["the name must be lower case words with dots", { name: "Orders Placed" }],
  ["the name must be lower case words with dots", { name: "" }],
  ["the name must be lower case words with dots", { name: "orders..placed" }],
  ["the name must be lower case words with dots", { name: "o".repeat(201) }],
  ["the name must be lower case words with dots", { name: undefined }],
  ["Meterbridge has a meter of that name", { name: "llm.cost" }],
  ["the instrument must be one of counter", { instrument: "summary" }],
  ["the unit must be a UCUM unit", { unit: "" }],
  ["the unit must be a UCUM unit", { unit: "per cent" }],
  ["it needs a description", { description: "" }],
  ["a histogram needs buckets", { instrument: "histogram" }],
  ["a histogram needs buckets", { instrument: "histogram", buckets: [] }],
  ["a histogram needs buckets", { instrument: "histogram", buckets: [1, 1] }],
  ["a histogram needs buckets", { instrument: "histogram", buckets: [2, 1] }],
  ["a histogram needs buckets", { instrument: "histogram", buckets: [1, NaN] }],
  ["a histogram needs buckets", { instrument: "histogram", buckets: [1, Infinity] }],
  ['attribute "1abc" must be letters', { attributes: { "1abc": "string" } }],
  ['attribute "" must be letters', { attributes: { "": "string" } }],
  ['attribute "__proto__" must be letters', { attributes: JSON.parse('{"__proto__": "string"}') as object }],
  ['attribute "tenant" is taken', { attributes: { tenant: "string" } }],
  ['attribute "constructor" is taken', { attributes: { constructor: "string" } }],
  ['attribute "user_id" has no bound', { attributes: { user_id: "string" } }],
  ['attribute "shop" must be "string"', { attributes: { shop: "text" } }],
  ['attribute "shop" must be "string"', { attributes: { shop: [] } }],
  ['attribute "shop" must be "string"', { attributes: { shop: ["north", ""] } }],
  ['attribute "shop" must be "string"', { attributes: { shop: { kind: "text", optional: true } } }],
])("a definition that breaks a rule throws, naming the meter and the rule: %s", (rule, change) => {
  const meter = { ...placed, ...change } as OwnMeter;
  expect(() => createCore().defineMeters({ meter })).toThrow(`[meterbridge] meter "${meter.name}": ${rule}`);
});

test("the same definition twice gives the same recorder; another one under the same name throws", () => {
  const core = createCore();
  const first = core.defineMeters({ placed });
  expect(core.defineMeters({ again: { ...placed } }).again).toBe(first.placed);
  expect(() => core.defineMeters({ placed: { ...placed, unit: "1" } })).toThrow(
    '[meterbridge] meter "orders.placed" is already defined otherwise: choose another name',
  );
  expect(() => core.defineMeters({ placed: { ...placed, instrument: "upDownCounter" } })).toThrow(
    "already defined otherwise",
  );
});

test("one's own meters are described with the built-in ones, under the namespace that they are registered with", () => {
  const core = createCore();
  core.configure({ namespace: "voice_agent" });
  core.defineMeters({ placed });
  const names = core.describeMeters().map(({ name }) => name);
  expect(names).toContain("voice_agent.orders.placed");
  expect(names).toContain("voice_agent.llm.cost");
  expect(names).toContain("http.server.request.duration");
  expect(names).toContain("gen_ai.client.inference.duration");
  expect(names).toContain("meterbridge.series.dropped");
});

test("an observed gauge shows what its callbacks tell, until they are ended, and forgets what they no longer tell", async () => {
  const { core, collect } = startCore();
  const { depth } = core.defineMeters({
    depth: {
      name: "queue.depth",
      instrument: "observableGauge",
      unit: "{job}",
      description: "Jobs that wait",
      attributes: { queue: "string", urgent: "boolean" },
    },
  });
  const endFirst = depth.observe((observe) => observe(1, { queue: "first", urgent: true }));
  depth.observe((observe) => observe(2, { queue: "second", urgent: false }));
  expect((await collect()).points("queue.depth")).toEqual([
    { attributes: { queue: "first", urgent: true }, value: 1, count: 1 },
    { attributes: { queue: "second", urgent: false }, value: 2, count: 1 },
  ]);
  let calls = 0;
  const endThird = depth.observe(() => void calls++);
  await collect();
  endFirst();
  endThird();
  endThird();
  await collect();
  expect(calls).toBe(1);
});
