import { DataPointType } from "@opentelemetry/sdk-metrics";
import { expect, test } from "vitest";
import type { PriceBook } from "../src/price-book.ts";
import { startCore } from "./collecting.ts";

const model = "gpt-4o";
const openai = { provider: "openai", model } as const;

test("A: workflows created are counted, else nobody sees whether the product is taken up", async () => {
  const { core, collect } = startCore();
  core.workflow.created("onboarding");
  core.workflow.created("onboarding");
  core.workflow.created("offboarding");
  const collection = await collect();
  expect(collection.total("workflow.created")).toBe(3);
  expect(collection.total("workflow.created", { workflow: "onboarding" })).toBe(2);
});

test("A: workflow executions are counted by status, else failures hide among successes", async () => {
  const { core, collect } = startCore();
  core.workflow.start("onboarding").complete();
  core.workflow.start("onboarding").complete();
  core.workflow.start("onboarding").fail(new TypeError("x"));
  core.workflow.start("onboarding").cancel();
  const collection = await collect();
  expect(collection.total("workflow.executions", { status: "completed" })).toBe(2);
  expect(collection.total("workflow.executions", { status: "failed" })).toBe(1);
  expect(collection.total("workflow.executions", { status: "cancelled" })).toBe(1);
});

test("A: tokens are counted by model and type, else nobody knows what the bill is made of", async () => {
  const { core, collect } = startCore();
  core.llm.record({ ...openai, inputTokens: 100, outputTokens: 20, cacheReadTokens: 60, reasoningTokens: 5 });
  core.llm.record({ ...openai, inputTokens: 1, outputTokens: 2 });
  core.llm.record({ provider: "anthropic", model: "claude", inputTokens: 7, outputTokens: 3, cacheWriteTokens: 4 });
  const collection = await collect();
  const counted = (type: string, name: string): number =>
    collection.total(`gen_ai.client.inference.usage.${type}`, { "gen_ai.request.model": name });
  expect(counted("input_tokens", model)).toBe(101);
  expect(counted("output_tokens", model)).toBe(22);
  expect(counted("cache_read.input_tokens", model)).toBe(60);
  expect(counted("reasoning.output_tokens", model)).toBe(5);
  expect(counted("input_tokens", "claude")).toBe(7);
  expect(counted("cache_write.input_tokens", "claude")).toBe(4);
});

test("A: model calls are counted by model and timed in a histogram by model", async () => {
  const { core, collect } = startCore();
  core.llm.record({ ...openai, duration: 1.5 });
  core.llm.record({ ...openai, duration: 0.5 });
  core.llm.record({ provider: "openai", model: "gpt-4o-mini", duration: 0.25 });
  const collection = await collect();
  expect(collection.total("llm.requests", { model })).toBe(2);
  expect(collection.total("llm.requests", { model: "gpt-4o-mini" })).toBe(1);
  const duration = "gen_ai.client.inference.duration";
  expect(collection.metric(duration)?.dataPointType).toBe(DataPointType.HISTOGRAM);
  expect(collection.count(duration, { "gen_ai.request.model": model })).toBe(2);
  expect(collection.total(duration, { "gen_ai.request.model": model })).toBe(2);
});

test("A: checkpoints created and approved are counted, else nobody sees what waits for a person", async () => {
  const { core, collect } = startCore();
  core.checkpoint.created("refund");
  core.checkpoint.created("refund");
  core.checkpoint.decided("refund", "approved");
  core.checkpoint.decided(undefined, "rejected");
  const collection = await collect();
  expect(collection.total("checkpoint.created")).toBe(2);
  expect(collection.total("checkpoint.decided", { decision: "approved" })).toBe(1);
  expect(collection.total("checkpoint.decided", { decision: "rejected" })).toBe(1);
});

test("A: webhooks sent are counted by status, else a dead receiver goes unnoticed", async () => {
  const { core, collect } = startCore();
  core.webhook.record({ webhook: "order-changed", status: "completed", duration: 0.1 });
  core.webhook.start("order-changed").fail();
  await core.webhook.measure("order-changed", async () => {});
  const collection = await collect();
  expect(collection.total("webhook.sent", { status: "completed" })).toBe(2);
  expect(collection.total("webhook.sent", { status: "failed" })).toBe(1);
  expect(collection.count("webhook.duration")).toBe(3);
});

test("A: currently active users are an observable gauge, each user counted once however often seen", async () => {
  const { core, collect } = startCore();
  for (const user of ["ada", "bob", "ada", "ada"]) core.users.seen(user);
  const collection = await collect();
  expect(collection.metric("user.active")?.dataPointType).toBe(DataPointType.GAUGE);
  for (const window of ["5m", "1h", "1d"]) expect(collection.total("user.active", { window })).toBe(2);
});

test("A: one call tells all of a model call, so that no service forgets one of its meters", async () => {
  const priceBook: PriceBook = { name: "test", price: () => 2_500_000n };
  const { core, collect } = startCore({ priceBook });
  core.llm.record({
    ...openai,
    inputTokens: 100,
    outputTokens: 20,
    duration: 1.5,
    queueDuration: 0.2,
    contextSize: 2048,
  });
  const collection = await collect();
  expect(collection.total("llm.requests", { status: "completed" })).toBe(1);
  expect(collection.total("llm.cost")).toBe(0.0025);
  expect(collection.total("llm.request.cost")).toBe(0.0025);
  expect(collection.total("llm.queue.duration")).toBe(0.2);
  expect(collection.total("llm.context.size")).toBe(2048);
  expect(collection.total("gen_ai.client.inference.usage.input_tokens")).toBe(100);
  expect(collection.total("gen_ai.client.inference.duration")).toBe(1.5);
});
