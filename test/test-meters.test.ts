import { defineMeters, llm, users } from "@meterbridge/core";
import { MeterProvider } from "@meterbridge/sdk-metrics";
import { assertMeter, createTestMeters, type MeterAssertions, meterMatchers } from "@meterbridge/testkit/meters";
import { metrics } from "@opentelemetry/api";
import { afterEach, describe, expect, test } from "vitest";

declare module "vitest" {
  interface Matchers<R extends void | Promise<void>, T> extends MeterAssertions<R> {}
}
expect.extend(meterMatchers);

afterEach(() => metrics.disable());

const shop = defineMeters({
  orders: {
    name: "orders.placed",
    instrument: "counter",
    unit: "{order}",
    description: "Orders that customers placed",
    attributes: { channel: "string", kind: { kind: "string", optional: true } },
  },
});

describe("test meters", () => {
  test("know at once what core's recorders recorded, whatever was registered before", () => {
    using meters = createTestMeters();
    llm.record({ provider: "openai", model: "gpt-5", inputTokens: 1200, outputTokens: 300, duration: 1.8 });
    llm.record({ provider: "openai", model: "gpt-5", inputTokens: 100, outputTokens: 30, duration: 0.7 });
    llm.record({ provider: "anthropic", model: "claude-sonnet-4-5", inputTokens: 7, outputTokens: 3, duration: 0.2 });
    expect(meters.value("llm.requests")).toBe(3);
    expect(meters.value("llm.requests", { model: "gpt-5" })).toBe(2);
    expect(meters.value("gen_ai.client.inference.usage.input_tokens", { "gen_ai.provider.name": "openai" })).toBe(1300);
    expect(meters.count("gen_ai.client.inference.duration")).toBe(3);
    expect(meters.value("llm.requests", { model: "gpt-4" })).toBeUndefined();
  });

  test("ask observable meters when they are asked themselves", () => {
    using meters = createTestMeters();
    users.seen("ada");
    users.seen("grace");
    const active = meters.value("user.active", { window: "5m" });
    users.seen("edsger");
    expect(meters.value("user.active", { window: "5m" })).toBe(active! + 1);
  });

  test("give a snapshot that is the same however it came about", () => {
    using meters = createTestMeters();
    const meter = metrics.getMeter("shop");
    meter.createHistogram("basket.size", { unit: "By" }).record(3);
    shop.orders.add(1, { channel: "mail" });
    shop.orders.add(2, { channel: "web", kind: "rush" });
    meter.createGauge("temperature").record(20, { room: 'the "lab"' });
    meter.createGauge("temperature").record(21, { room: 'the "lab"' });
    // Core's own observable meters, such as the active users, tell what the process knows.
    expect(meters.text({ names: /^(basket|orders|temperature)/ })).toBe(
      `# basket.size histogram By
basket.size_count 1
basket.size_sum 3
# orders.placed counter {order}
orders.placed{channel="mail"} 1
orders.placed{channel="web",kind="rush"} 2
# temperature gauge
temperature{room="the \\"lab\\""} 21
`,
    );
    expect(meters.text({ names: /^basket/, sums: false })).toBe("# basket.size histogram By\nbasket.size_count 1\n");
    meters.clear();
    expect(meters.text({ names: /^(basket|orders|temperature)/ })).toBe("");
  });

  test("give the process back what it had, so that one test does not record into another's meters", () => {
    const provider = new MeterProvider();
    metrics.setGlobalMeterProvider(provider);
    const meters = createTestMeters();
    expect(metrics.getMeterProvider()).toBe(meters.provider);
    meters.restore();
    meters.restore();
    expect(metrics.getMeterProvider()).toBe(provider);
    shop.orders.add(1, { channel: "web" });
    expect(meters.value("orders.placed")).toBeUndefined();

    metrics.disable();
    const before = metrics.getMeterProvider();
    createTestMeters().restore();
    expect(metrics.getMeterProvider()).toBe(before);
  });

  test("that are nested give back to each other, and those that are not registered touch nothing", () => {
    using outer = createTestMeters();
    {
      using inner = createTestMeters();
      shop.orders.add(1, { channel: "web" });
      expect(inner.value("orders.placed")).toBe(1);
    }
    const apart = createTestMeters({ register: false });
    apart.provider.getMeter("shop").createCounter("orders.placed").add(5);
    expect(outer.value("orders.placed")).toBeUndefined();
    expect(apart.value("orders.placed")).toBe(5);
  });

  test("leave out what a meter provider would leave out", () => {
    using meters = createTestMeters();
    const counter = metrics.getMeter("shop").createCounter("orders");
    for (const value of [3, Number.NaN, -1, Number.POSITIVE_INFINITY]) counter.add(value, { b: 1, a: undefined });
    counter.add(4, { a: undefined, b: 1 });
    expect(meters.collect()).toMatchObject([{ name: "orders", series: [{ attributes: { b: 1 }, value: 7 }] }]);
  });

  test("do not add up temperatures", () => {
    using meters = createTestMeters();
    for (const room of ["north", "south"]) metrics.getMeter("shop").createGauge("temperature").record(20, { room });
    expect(meters.value("temperature", { room: "north" })).toBe(20);
    expect(() => meters.value("temperature")).toThrow(
      "the gauge temperature has 2 series with {}: name more attributes",
    );
  });

  test("ask batch callbacks, and forget what they no longer say", () => {
    using meters = createTestMeters();
    const meter = metrics.getMeter("shop");
    const depth = meter.createObservableGauge("queue.depth");
    let queues = ["mail", "sms"];
    meter.addBatchObservableCallback(
      (result) => queues.forEach((queue) => result.observe(depth, 2, { queue })),
      [depth],
    );
    expect(meters.collect()[0]?.series).toHaveLength(2);
    queues = ["mail"];
    expect(meters.value("queue.depth")).toBe(2);
  });
});

describe("assertions", () => {
  test("show what was recorded instead, in any test runner", () => {
    using meters = createTestMeters();
    shop.orders.add(2, { channel: "web" });
    assertMeter(meters, "orders.placed", 2, { channel: "web" });
    expect(() => assertMeter(meters, "orders.placed", 3, { channel: "web" })).toThrow(
      'orders.placed with {"channel":"web"} is 2, expected 3.\n# orders.placed counter {order}\norders.placed{channel="web"} 2\n',
    );
    expect(() => assertMeter(meters, "orders.plcaed", 2)).toThrow(
      "orders.plcaed is not recorded, expected 2.\nNothing was recorded under this name, but: orders.placed",
    );
  });

  test("are matchers of Vitest, too", () => {
    using meters = createTestMeters();
    shop.orders.add(0.1, { channel: "web" });
    shop.orders.add(0.2, { channel: "mail" });
    expect(meters).toHaveRecorded("orders.placed", 0.3);
    expect(meters).toHaveRecorded("orders.placed", 0.2, { channel: "mail" });
    expect(meters).not.toHaveRecorded("orders.placed", 1);
    expect(() => expect(meters).toHaveRecorded("orders.placed", 1)).toThrow(
      "orders.placed is 0.30000000000000004, expected 1",
    );
  });
});
