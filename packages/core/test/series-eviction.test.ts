import { expect, test, vi, onTestFinished } from "vitest";
import { createCore } from "../src/core.ts";
import { registerProvider, useContextManager } from "./collecting.ts";

const limit = 30;

test("a tenant that went quiet makes room for a new one where the provider forgets, and sums stay exact", async () => {
  const { core, collect, later } = start({ [Symbol.for("meterbridge.forgets")]: true });
  recordFor(core, "early", 100);
  later(901);
  // A first look marks who is quiet, the next one lets them go.
  recordFor(core, "middle", 1);
  later(901);
  recordFor(core, "late", 5);
  const collection = await collect();
  for (let tenant = 0; tenant < 5; tenant++) {
    expect(collection.total("checkpoint.created", { tenant: `late-${tenant}` })).toBe(1);
  }
  expect(collection.total("checkpoint.created")).toBe(106);
});

test("a tenant that keeps working is never let go", async () => {
  const { core, collect, later } = start({ [Symbol.for("meterbridge.forgets")]: true });
  for (let round = 0; round < 20; round++) {
    recordFor(core, "steady", 3);
    recordFor(core, `round-${round}`, 100);
    later(901);
  }
  const collection = await collect();
  for (let tenant = 0; tenant < 3; tenant++) {
    expect(collection.total("checkpoint.created", { tenant: `steady-${tenant}` })).toBe(20);
  }
  expect(collection.total("checkpoint.created")).toBe(20 * 103);
});

test("a tenant whose model calls are all of a kind that is known keeps its series, however often idle ones are let go", async () => {
  const { core, collect, later } = start({ [Symbol.for("meterbridge.forgets")]: true });
  const call = { provider: "openai", model: "small", inputTokens: 3, outputTokens: 1, duration: 1 } as const;
  for (let round = 0; round < 20; round++) {
    for (let turn = 0; turn < 3; turn++) core.withAttribution({ tenant: "steady" }, () => core.llm.record(call));
    for (let tenant = 0; tenant < 40; tenant++) {
      core.withAttribution({ tenant: `${round}-${tenant}` }, () => core.llm.record(call));
    }
    later(901);
  }
  const collection = await collect();
  for (const name of ["llm.requests", "gen_ai.client.inference.usage.output_tokens"]) {
    expect(collection.total(name, { tenant: "steady" }), name).toBe(60);
    expect(collection.total(name), name).toBe(20 * 43);
  }
});

test("nothing is let go where the provider never forgets, else its series would grow without bound", async () => {
  const { core, collect, later } = start({});
  for (let round = 0; round < 10; round++) {
    recordFor(core, `round-${round}`, 100);
    later(90_000);
  }
  const collection = await collect();
  expect(collection.points("checkpoint.created").length).toBeLessThan(limit);
  expect(collection.total("checkpoint.created")).toBe(1000);
});

test("what counts up and down is never let go, because no reader forgets it: its series would grow without bound", async () => {
  const { core, collect, later } = start({ [Symbol.for("meterbridge.forgets")]: true });
  const runs = Array.from({ length: 10 }, (_, tenant) =>
    core.withAttribution({ tenant: `tenant-${tenant}` }, () => core.workflow.start("triage")),
  );
  for (let round = 0; round < 4; round++) {
    later(901);
    for (let tenant = 0; tenant < 50; tenant++) {
      core.withAttribution({ tenant: `${round}-${tenant}` }, () => core.workflow.start("triage").complete());
    }
  }
  expect((await collect()).total("workflow.active")).toBe(10);
  for (const run of runs) run.complete();
  const active = (await collect()).points("workflow.active");
  expect(active.map(({ value }) => value)).toEqual(active.map(() => 0));
  expect(active.length).toBeLessThan(limit);
});

function start(properties: object) {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  useContextManager();
  const { collect } = registerProvider(properties);
  const core = createCore();
  core.configure({ seriesLimit: limit });
  return { core, collect, later: (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000) };
}

function recordFor(core: ReturnType<typeof createCore>, prefix: string, tenants: number): void {
  for (let tenant = 0; tenant < tenants; tenant++) {
    core.withAttribution({ tenant: `${prefix}-${tenant}` }, () => core.checkpoint.created());
  }
}
