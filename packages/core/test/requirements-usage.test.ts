import { expect, test } from "vitest";
import type { UsageEvent } from "../src/usage-event.ts";
import { startCore } from "./collecting.ts";

const call = { provider: "openai", model: "gpt-4o" } as const;

test("C: agents are counted and timed", async () => {
  const { core, collect } = startCore();
  await core.agent.measure("support", async () => {});
  await core.agent.measure("support", () => Promise.reject(new RangeError("x"))).catch(() => {});
  const collection = await collect();
  expect(collection.total("agent.executions", { agent: "support", status: "completed" })).toBe(1);
  expect(collection.total("agent.executions", { agent: "support", status: "failed" })).toBe(1);
  expect(collection.count("gen_ai.invoke_agent.duration", { "gen_ai.agent.name": "support" })).toBe(2);
  expect(collection.count("gen_ai.invoke_agent.duration", { "error.type": "RangeError" })).toBe(1);
  expect(collection.total("agent.active")).toBe(0);
});

test("C: active workflows rise and fall, however a run ends, and however often its end is told", async () => {
  const { core, collect } = startCore();
  const runs = Array.from({ length: 4 }, () => core.workflow.start("triage"));
  expect((await collect()).total("workflow.active", { workflow: "triage" })).toBe(4);
  runs[0]!.complete();
  runs[0]!.fail();
  runs[1]!.fail(new Error("x"));
  runs[2]!.cancel();
  const collection = await collect();
  expect(collection.total("workflow.active", { workflow: "triage" })).toBe(1);
  expect(collection.total("workflow.executions")).toBe(3);
  expect(collection.count("gen_ai.invoke_workflow.duration", { "gen_ai.workflow.name": "triage" })).toBe(3);
});

test("C: the size of the context is a histogram in bytes", async () => {
  const { core, collect } = startCore();
  core.llm.record({ ...call, contextSize: 3000 });
  const { descriptor, dataPoints } = (await collect()).metric("llm.context.size")!;
  expect(descriptor.unit).toBe("By");
  expect(dataPoints[0]!.value).toMatchObject({ sum: 3000, count: 1 });
});

test("D: the cost is worked out from the price table when the call is recorded, so that a later price changes no past", async () => {
  let nanoUsdPerToken = 1000n;
  const priceBook = {
    name: "table",
    price: ({ inputTokens }: { inputTokens: number }) => BigInt(inputTokens) * nanoUsdPerToken,
  };
  const { core, collect } = startCore({ priceBook });
  core.llm.record({ ...call, inputTokens: 1_000_000, outputTokens: 0 });
  expect((await collect()).total("llm.cost", { provider: "openai", model: "gpt-4o" })).toBe(1);
  nanoUsdPerToken = 5000n;
  expect((await collect()).total("llm.cost")).toBe(1);
  core.llm.record({ ...call, inputTokens: 1_000_000, outputTokens: 0 });
  expect((await collect()).total("llm.cost")).toBe(6);
});

test("E: tasks, average duration, tokens, tool calls and errors are told per tenant and employee as labels, when configured", async () => {
  const { core, collect } = startCore({ attributionLabels: ["tenant", "employee"] });
  work(core);
  const collection = await collect();
  const ada = { tenant: "acme", employee: "ada" };
  expect(collection.total("task.completed", ada)).toBe(3);
  expect(collection.total("task.completed", { ...ada, status: "failed" })).toBe(1);
  expect(collection.total("task.duration", ada) / collection.count("task.duration", ada)).toBe(2);
  expect(collection.total("gen_ai.client.inference.usage.input_tokens", ada)).toBe(100);
  expect(collection.total("tool.calls", ada)).toBe(1);
  expect(collection.total("task.completed", { tenant: "acme", employee: "bob" })).toBe(1);
});

test("E: the same is told per tenant and employee as usage events, with the user and without any label for it", async () => {
  const { core, collect } = startCore();
  const events: UsageEvent[] = [];
  core.addUsageSink({ write: (event) => void events.push(event) });
  work(core);
  const ada = events.filter(({ tenant, employee }) => tenant === "acme" && employee === "ada");
  const tasks = ada.filter(({ kind }) => kind === "task");
  expect(tasks).toHaveLength(3);
  expect(tasks.reduce((sum, { inferenceMs }) => sum + (inferenceMs ?? 0), 0) / 3).toBe(2000);
  expect(tasks.filter(({ isSuccess }) => !isSuccess).map(({ errorType }) => errorType)).toEqual(["Timeout"]);
  expect(ada.filter(({ kind }) => kind === "tool_call").map(({ name }) => name)).toEqual(["search"]);
  expect(ada.find(({ kind }) => kind === "llm_call")).toMatchObject({
    inputTokens: 100,
    outputTokens: 10,
    user: "u-17",
  });
  const labels = (await collect()).points("task.completed").flatMap(({ attributes }) => Object.keys(attributes));
  expect(new Set(labels)).toEqual(new Set(["status", "tenant"]));
});

test("E: the task success ratio is a gauge of its own", async () => {
  const { core, collect } = startCore();
  expect((await collect()).points("task.success_ratio")).toEqual([]);
  work(core);
  expect((await collect()).total("task.success_ratio")).toBe(0.75);
});

function work(core: ReturnType<typeof startCore>["core"]): void {
  core.withAttribution({ tenant: "acme", employee: "ada", user: "u-17" }, () => {
    core.task.record({ name: "refund", status: "completed", duration: 1 });
    core.task.record({ name: "refund", status: "completed", duration: 2 });
    core.task.record({ name: "refund", status: "failed", duration: 3, errorType: "Timeout" });
    core.tool.record({ tool: "search", status: "completed", duration: 0.1 });
    core.llm.record({ ...call, inputTokens: 100, outputTokens: 10 });
  });
  core.withAttribution({ tenant: "acme", employee: "bob" }, () => {
    core.task.record({ status: "completed", duration: 7 });
  });
}
