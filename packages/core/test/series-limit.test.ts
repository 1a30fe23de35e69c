import fc from "fast-check";
import { expect, test } from "vitest";
import type { Core } from "../src/core.ts";
import { listenToDiag, startCore } from "./collecting.ts";

const orders = {
  name: "orders.placed",
  instrument: "counter",
  unit: "{order}",
  description: "Orders placed",
  attributes: { model: "string", channel: ["web", "phone"], shop: { kind: "string", optional: true } },
} as const;

const operation = fc.record({
  tenant: fc.option(
    fc.integer({ max: 40, min: 0 }).map((number) => `tenant-${number}`),
    { nil: undefined },
  ),
  model: fc.constantFrom("small", "large", "huge", "other"),
  channel: fc.constantFrom("web", "phone"),
  shop: fc.constantFrom(undefined, "north", "south"),
  value: fc.nat(1000),
  collectAfter: fc.boolean(),
});

test("whatever is recorded and however often it is collected, a meter keeps below its limit and loses no unit", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 3, max: 40 }),
      fc.array(operation, { maxLength: 300, size: "max" }),
      async (limit, operations) => {
        const { core, collect } = startCore({ seriesLimit: limit });
        const { placed } = core.defineMeters({ placed: orders });
        let sum = 0;
        for (const { tenant, model, channel, shop, value, collectAfter } of operations) {
          core.withAttribution({ tenant }, () => {
            placed.add(value, { model, channel, shop });
            core.llm.record({
              provider: "openai",
              model,
              inputTokens: value,
              outputTokens: 1,
              duration: 1,
              errorType: shop,
            });
          });
          sum += value;
          if (collectAfter) await collect();
        }
        const collection = await collect();
        // Observed, with three fixed windows: nothing that is recorded can add to it.
        for (const name of collection.names.filter((found) => found !== "user.active")) {
          expect(collection.points(name).length, `${name} with limit ${limit}`).toBeLessThan(limit);
        }
        expect(collection.total("orders.placed")).toBe(sum);
        expect(collection.total("gen_ai.client.inference.usage.input_tokens")).toBe(sum);
        expect(collection.total("gen_ai.client.token.usage")).toBe(sum + operations.length);
        expect(collection.total("llm.requests")).toBe(operations.length);
        expect(collection.points("orders.placed").flatMap(({ attributes }) => Object.keys(attributes))).not.toContain(
          "otel.metric.overflow",
        );
      },
    ),
    { numRuns: 150 },
  );
});

test(
  "a million tenants with scrapes in between end in a bounded number of series and an exact sum",
  { timeout: 60_000 },
  async () => {
    const { core, collect } = startCore();
    const { placed } = core.defineMeters({ placed: orders });
    for (let tenant = 0; tenant < 1_000_000; tenant++) {
      core.withAttribution({ tenant: `tenant-${tenant}` }, () => placed.add(1, { model: "large", channel: "web" }));
      if (tenant % 50_000 === 0) await collect();
    }
    const collection = await collect();
    expect(collection.total("orders.placed")).toBe(1_000_000);
    expect(collection.points("orders.placed").length).toBeLessThan(2000);
    const named = collection
      .points("orders.placed")
      .filter(({ attributes }) => attributes["tenant"] !== "other").length;
    expect(collection.total("meterbridge.series.dropped", { meter: "orders.placed" })).toBe(1_000_000 - named);
  },
);

test("where only tenants are too many, models keep their names, so that the bill by model stays right", async () => {
  const { core, collect } = startCore({ seriesLimit: 50 });
  recordForTenants(core, 200, ["small", "large"]);
  const collection = await collect();
  const name = "gen_ai.client.inference.usage.input_tokens";
  expect(collection.total(name, { "gen_ai.request.model": "small" })).toBe(200);
  expect(collection.total(name, { "gen_ai.request.model": "large" })).toBe(200);
  expect(collection.total(name, { tenant: "other" })).toBeGreaterThan(0);
  expect(collection.total("llm.requests", { model: "other" })).toBe(0);
});

test("where models are too many as well, their status stays, so that the error rate stays right", async () => {
  const { core, collect } = startCore({ seriesLimit: 100 });
  for (let index = 0; index < 1000; index++) {
    const status = index % 10 === 0 ? "failed" : "completed";
    core.tool.record({ tool: `tool-${index}`, status, duration: 1 });
  }
  const collection = await collect();
  expect(collection.total("tool.calls", { status: "failed" })).toBe(100);
  expect(collection.total("tool.calls", { status: "completed" })).toBe(900);
});

test("a limit that is reached is told once, and says what to do", async () => {
  const told = listenToDiag();
  const { core } = startCore({ seriesLimit: 20 });
  for (let index = 0; index < 500; index++) core.checkpoint.created(`checkpoint-${index}`);
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(
    /^\[meterbridge\] meter checkpoint\.created reached its limit of 20 series.*raise seriesLimits\["checkpoint\.created"\]/,
  );
});

test("series that have no tenant to lose may take the room of those that have lost theirs, and count as nothing dropped", async () => {
  const told = listenToDiag();
  const { core, collect } = startCore({ seriesLimit: 102 });
  for (let index = 0; index < 96; index++) core.checkpoint.created(`checkpoint-${index}`);
  const collection = await collect();
  expect(collection.points("checkpoint.created")).toHaveLength(96);
  expect(collection.total("checkpoint.created", { checkpoint: "other" })).toBe(0);
  expect(collection.names).not.toContain("meterbridge.series.dropped");
  expect(told).toEqual([]);
});

test("a limit set for one meter can raise as well as lower it, and leaves meters recorded apart from it theirs", async () => {
  const { core, collect } = startCore({ seriesLimit: 20, seriesLimits: { "llm.cost": 200, "tool.calls": 5 } });
  recordForTenants(core, 100, ["small"]);
  for (let index = 0; index < 100; index++)
    core.tool.record({ tool: `tool-${index}`, status: "completed", duration: 1 });
  const collection = await collect();
  expect(collection.points("llm.unpriced")).toHaveLength(100);
  expect(collection.points("llm.requests").length).toBeLessThan(20);
  expect(collection.points("tool.calls").length).toBeLessThan(5);
  expect(collection.points("gen_ai.execute_tool.duration").length).toBeGreaterThan(10);
  expect(collection.total("tool.calls")).toBe(100);
});

test("a meter defined twice in the same way has one limit, else a definition in a request handler grows for ever", async () => {
  const { core, collect } = startCore({ seriesLimit: 10 });
  for (let index = 0; index < 100; index++) {
    core.defineMeters({ placed: orders }).placed.add(1, { model: `model-${index}`, channel: "web" });
  }
  const collection = await collect();
  expect(collection.points("orders.placed").length).toBeLessThan(10);
  expect(collection.total("orders.placed")).toBe(100);
});

test("observed series beyond the limit are counted as dropped, because a gauge has no sum to put them in", async () => {
  const { core, collect } = startCore({ seriesLimit: 10 });
  const { depth } = core.defineMeters({
    depth: {
      name: "queue.depth",
      instrument: "observableGauge",
      unit: "{job}",
      description: "Jobs that wait",
      attributes: { queue: "string" },
    },
  });
  depth.observe((observe) => {
    for (let queue = 0; queue < 30; queue++) observe(queue, { queue: `queue-${queue}` });
  });
  expect((await collect()).points("queue.depth")).toHaveLength(9);
  expect((await collect()).total("meterbridge.series.dropped", { meter: "queue.depth" })).toBeGreaterThanOrEqual(21);
});

function recordForTenants(core: Core, tenants: number, models: readonly string[]): void {
  for (let tenant = 0; tenant < tenants; tenant++) {
    core.withAttribution({ tenant: `tenant-${tenant}` }, () => {
      for (const model of models) core.llm.record({ provider: "openai", model, inputTokens: 1, outputTokens: 1 });
    });
  }
}
