import { metrics, type Attributes, type Histogram, type MeterProvider } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { startCore } from "./collecting.ts";

test("a model call that a foreign provider makes while it records another does not change the other's numbers", async () => {
  const { core, provider, collect } = startCore();
  let isWithin = false;
  const recordAnother = (): void => {
    if (isWithin) return;
    isWithin = true;
    core.llm.record({ provider: "openai", model: "inner", inputTokens: 1, outputTokens: 1, duration: 1 });
    isWithin = false;
  };
  metrics.disable();
  metrics.setGlobalMeterProvider(afterEachHistogram(provider, recordAnother));
  const call = { provider: "openai", model: "outer", inputTokens: 100, outputTokens: 50, duration: 2 };
  for (let time = 0; time < 3; time++) core.llm.record(call);
  const collection = await collect();
  const outer = { "gen_ai.request.model": "outer" };
  expect(collection.total("gen_ai.client.inference.usage.input_tokens", outer)).toBe(300);
  expect(collection.total("gen_ai.client.inference.usage.output_tokens", outer)).toBe(150);
  expect(collection.total("gen_ai.client.token.usage", outer)).toBe(450);
  expect(collection.total("gen_ai.client.inference.duration", outer)).toBe(6);
});

/** The provider, with something that happens whenever a histogram was recorded into. */
function afterEachHistogram(provider: MeterProvider, happens: () => void): MeterProvider {
  return {
    getMeter(...given) {
      const meter = provider.getMeter(...given);
      const createHistogram = (...described: Parameters<typeof meter.createHistogram>): Histogram => {
        const histogram = meter.createHistogram(...described);
        return {
          record(value: number, attributes?: Attributes) {
            histogram.record(value, attributes);
            happens();
          },
        };
      };
      return Object.assign(Object.create(meter) as typeof meter, { createHistogram });
    },
  };
}
