import { expect, test } from "vitest";
import type { UsageEvent } from "../src/usage-event.ts";
import { listenToDiag, startCore } from "./collecting.ts";
import { hostileProxy, throwingGetters } from "./hostile.ts";

const openai = { provider: "openai", model: "gpt-4o" } as const;

test("the result of measured work is handed on as the same object", async () => {
  const { core } = startCore();
  const result = { answer: 42 };
  expect(await core.llm.measure(openai, async () => result)).toBe(result);
  expect(await core.workflow.measure("triage", () => result)).toBe(result);
  expect(await core.agent.measure("support", (run) => run.measureNode("plan", async () => result))).toBe(result);
  expect(await core.tool.measure("search", () => result)).toBe(result);
  expect(await core.task.measure("refund", async () => result)).toBe(result);
  expect(await core.webhook.measure("changed", async () => result)).toBe(result);
  expect(await core.rag.measure("handbook", async () => result)).toBe(result);
});

test.each([
  ["an error", new TypeError("x")],
  ["a text", "x"],
  ["undefined", undefined],
  ["null", null],
  ["a frozen object", Object.freeze({ code: 1 })],
  ["a hostile proxy", hostileProxy()],
])("what measured work throws reaches the app as it is: %s", async (_name, thrown) => {
  const { core, collect } = startCore();
  const caught = async (work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
    } catch (error) {
      return Object.is(error, thrown);
    }
    return false;
  };
  const raise = (): never => {
    throw thrown;
  };
  expect(await caught(() => core.llm.measure(openai, raise))).toBe(true);
  expect(await caught(() => core.workflow.measure("triage", raise))).toBe(true);
  expect(await caught(() => core.agent.measure("support", (run) => run.measureNode("plan", raise)))).toBe(true);
  expect(await caught(() => core.tool.measure("search", raise))).toBe(true);
  expect(await caught(() => core.rag.measure("handbook", raise))).toBe(true);
  const collection = await collect();
  expect(collection.total("llm.requests", { status: "failed" })).toBe(1);
  expect(collection.total("workflow.executions", { status: "failed" })).toBe(1);
  expect(collection.total("agent.node.executions", { status: "failed" })).toBe(1);
  expect(collection.total("tool.calls", { status: "failed" })).toBe(1);
  expect(collection.total("rag.retrievals", { status: "failed" })).toBe(1);
});

test("an abort is no failure, else every user who closes a tab raises the error rate", async () => {
  const { core, collect } = startCore();
  const controller = new AbortController();
  controller.abort();
  const abort = (): void => controller.signal.throwIfAborted();
  await expect(core.llm.measure(openai, abort)).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
  await expect(core.workflow.measure("triage", abort)).rejects.toThrow("aborted");
  await expect(core.tool.measure("search", abort)).rejects.toThrow("aborted");
  const collection = await collect();
  expect(collection.total("llm.requests", { status: "cancelled" })).toBe(1);
  expect(collection.total("workflow.executions", { status: "cancelled" })).toBe(1);
  expect(collection.total("tool.calls", { status: "cancelled" })).toBe(1);
  expect(collection.points("gen_ai.client.inference.duration")[0]!.attributes).not.toHaveProperty("error.type");
});

test("a timeout is a failure by its own name", async () => {
  const { core, collect } = startCore();
  const timedOut = new DOMException("x", "TimeoutError");
  await expect(core.llm.measure(openai, () => Promise.reject(timedOut))).rejects.toBe(timedOut);
  const collection = await collect();
  expect(collection.count("gen_ai.client.inference.duration", { "error.type": "TimeoutError" })).toBe(1);
});

test("a readUsage that throws does not disturb the app, and the call still counts", async () => {
  const { core, collect } = startCore();
  const read = (): never => {
    throw new Error("hostile");
  };
  expect(await core.llm.measure(openai, () => "result", read)).toBe("result");
  const result = throwingGetters("usage");
  expect(await core.llm.measure(openai, () => result)).toBe(result);
  const collection = await collect();
  expect(collection.total("llm.requests", { status: "completed" })).toBe(2);
  expect(collection.total("meterbridge.values.refused", { meter: "llm tokens", reason: "recorder_failed" })).toBe(2);
});

test("a readUsage that throws over an answer does not bring the answer's text into the log", async () => {
  const told = listenToDiag();
  const { core } = startCore();
  await core.llm.measure(
    openai,
    () => "the secret answer",
    (text) => JSON.parse(text),
  );
  expect(told).toEqual([expect.stringContaining("readUsage threw SyntaxError")]);
  expect(told[0]).not.toContain("secret");
});

test("a readUsage of one's own gives what an unknown client reports", async () => {
  const { core, collect } = startCore();
  await core.llm.measure(
    openai,
    async () => ({ tokens: 12 }),
    ({ tokens }) => ({ inputTokens: tokens, outputTokens: 1, costUsd: 0.5 }),
  );
  const collection = await collect();
  expect(collection.total("gen_ai.client.inference.usage.input_tokens")).toBe(12);
  expect(collection.total("llm.cost")).toBe(0.5);
});

test("a streamed call counts its chunks' times and what it had used, also when the caller gives up", async () => {
  const { core, collect } = startCore();
  const events: UsageEvent[] = [];
  core.addUsageSink({ write: (event) => void events.push(event) });
  const run = core.llm.start(openai);
  for (let chunk = 0; chunk < 4; chunk++) run.chunk();
  run.cancel({ inputTokens: 10, outputTokens: 3, usageSource: "partial" });
  run.complete({ inputTokens: 99, outputTokens: 99 });
  const collection = await collect();
  expect(collection.count("gen_ai.client.inference.time_to_first_chunk")).toBe(1);
  expect(collection.count("gen_ai.client.inference.time_per_output_chunk")).toBe(3);
  expect(collection.total("gen_ai.client.inference.usage.output_tokens")).toBe(3);
  expect(collection.total("llm.requests", { status: "cancelled" })).toBe(1);
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ isSuccess: false, usageSource: "partial", outputTokens: 3, errorType: null });
});
