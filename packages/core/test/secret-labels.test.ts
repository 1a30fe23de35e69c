import { expect, test } from "vitest";
import { listenToDiag, startCore } from "./collecting.ts";

test.each([
  "sk-proj-Abcdefghijklmnop1234",
  "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
  "AKIAIOSFODNN7EXAMPLE",
  "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
  "postgres://shop:hunter2@db/shop",
])(
  "a tenant or model that is called %s is shown to nobody who reads the metrics, and its sums stay exact",
  async (key) => {
    const told = listenToDiag();
    const { core, collect } = startCore();
    const events: { tenant: string | null; model: string | null }[] = [];
    core.addUsageSink({ write: ({ tenant, model }) => void events.push({ tenant, model }) });
    for (let call = 0; call < 3; call++) {
      core.withAttribution({ tenant: key }, () => {
        core.llm.record({ provider: "openai", model: "gpt-5", inputTokens: 10, outputTokens: 1, duration: 1 });
      });
      core.llm.record({ provider: "openai", model: key, inputTokens: 10, outputTokens: 1, duration: 1 });
    }
    const collection = await collect();
    for (const name of collection.names) {
      for (const { attributes } of collection.points(name)) expect(Object.values(attributes)).not.toContain(key);
    }
    expect(collection.total("llm.requests", { tenant: "other", model: "gpt-5" })).toBe(3);
    expect(collection.total("llm.requests", { model: "other" })).toBe(3);
    expect(collection.total("meterbridge.values.refused", { meter: "llm.requests" })).toBeGreaterThan(0);
    expect(told.join("\n")).not.toContain(key);
    // The bill is still the one of who ran it up.
    expect(events.map(({ tenant }) => tenant)).toEqual([key, null, key, null, key, null]);
  },
);

test.each([
  "sk-team",
  "disk-sk-1",
  "gpt-5-2026-11-20",
  "https://api.openai.com/v1",
  "0189f7c2-1c5e-7b5e-9d3a-3f1c2b4a5d6e",
  "ada@example.com",
])("a name that only resembles one stays: %s", async (name) => {
  const { core, collect } = startCore();
  core.withAttribution({ tenant: name }, () => core.llm.record({ provider: "openai", model: name }));
  expect((await collect()).total("llm.requests", { tenant: name, model: name })).toBe(1);
});
