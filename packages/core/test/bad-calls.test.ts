import { metrics } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { createCore, type Core } from "../src/core.ts";
import type { UsageEvent } from "../src/usage-event.ts";
import { listenToDiag, startCore, useContextManager } from "./collecting.ts";
import { garbage, hostileProxy, throwingGetters } from "./hostile.ts";

/** Every recording call of core, taking whatever it is given. */
function recordingCalls(core: Core): Readonly<Record<string, (given: never) => unknown>> {
  const { llm, workflow, agent, tool, task, checkpoint, webhook, users, session, rag, http, database } = core;
  return {
    "llm.record": llm.record,
    "llm.start": (given) => llm.start(given).complete(),
    "llm run.complete": (given) => llm.start({ provider: "openai", model: "gpt-4o" }).complete(given),
    "llm run.fail": (given) => llm.start({ provider: "openai", model: "gpt-4o" }).fail(given, given),
    "llm run.cancel": (given) => llm.start({ provider: "openai", model: "gpt-4o" }).cancel(given),
    "workflow.created": workflow.created,
    "workflow.start": (given) => workflow.start(given).complete(),
    "workflow run.fail": (given) => workflow.start("triage").fail(given),
    "agent.start": (given) => agent.start(given).complete(),
    "agent run.node": (given) => agent.start("support").node(given).complete(),
    "tool.start": (given) => tool.start(given).complete(),
    "tool.record": tool.record,
    "task.start": (given) => task.start(given).complete(),
    "task.record": task.record,
    "checkpoint.created": checkpoint.created,
    "checkpoint.decided": (given) => checkpoint.decided(given, given),
    "webhook.start": (given) => webhook.start(given).complete(),
    "webhook.record": webhook.record,
    "users.seen": users.seen,
    "users.active": users.active,
    "session.start": session.start,
    "rag.record": rag.record,
    "http.start": (given) => http.start(given).end(given),
    "http request.end": (given) => http.start({ method: "GET" }).end(given),
    "http.record": http.record,
    "http.requests": (given) => {
      const requests = http.requests(given);
      requests.begin();
      requests.end(given, given, given, given);
    },
    "http requests.end": (given) => {
      const requests = http.requests({ method: "GET" });
      requests.begin();
      requests.end(given, given, given, given);
    },
    "http.recordClient": http.recordClient,
    "database.record": database.record,
    withAttribution: (given) => core.withAttribution(given, () => core.checkpoint.created()),
    "withAttribution, its fields": (given) =>
      core.withAttribution({ tenant: given, user: given }, () => core.checkpoint.created()),
  };
}

const names = Object.keys(recordingCalls(createCore()));

test.each(names)("%s throws nothing into the app and poisons no sum, whatever it is given", async (name) => {
  const { core, collect } = startCore();
  core.addUsageSink({ write: () => {} });
  const call = recordingCalls(core)[name]!;
  for (const [, value] of garbage()) call(value as never);
  core.tool.record({ tool: "after", status: "completed", duration: 1 });
  const collection = await collect();
  expect(collection.total("tool.calls", { tool: "after" })).toBe(1);
  const sums = collection.names.map((metric) => [metric, collection.total(metric)] as const);
  expect(sums.filter(([, sum]) => !Number.isFinite(sum) || sum < 0)).toEqual([]);
  expect(JSON.stringify(sums).length).toBeLessThan(20_000);
});

test("work that is measured runs and gives its value, whatever it is measured as", async () => {
  const { core } = startCore();
  for (const [, value] of garbage()) {
    const given = value as never;
    expect(await core.llm.measure(given, () => 1)).toBe(1);
    expect(await core.workflow.measure(given, async () => 2)).toBe(2);
    expect(await core.agent.measure(given, (run) => run.measureNode(given, () => 3))).toBe(3);
    expect(await core.tool.measure(given, () => 4)).toBe(4);
    expect(await core.task.measure(given, () => 5)).toBe(5);
    expect(await core.webhook.measure(given, () => 6)).toBe(6);
    expect(await core.rag.measure(given, () => 7)).toBe(7);
    expect(core.withAttribution(given, () => 8)).toBe(8);
  }
});

const call = {
  provider: "openai",
  model: "gpt-4o",
  operation: "chat",
  inputTokens: 3,
  outputTokens: 5,
  cacheReadTokens: 1,
  cacheWriteTokens: 1,
  reasoningTokens: 1,
  responseModel: "gpt-4o-2026",
  serviceTier: "default",
  costUsd: 1,
  usageSource: "provider",
  duration: 2,
  timeToFirstChunk: 1,
  timePerOutputChunk: [0.5],
  queueDuration: 1,
  contextSize: 1024,
  status: "completed",
  errorType: "Timeout",
  attempts: 2,
  eventId: "0190b3c5-0000-7000-8000-000000000000",
  occurredAt: new Date(),
} as const;

test.each(Object.keys(call))("a model call with a bad %s still counts with its other fields", async (field) => {
  for (const [name, value] of [...garbage(), ["a getter that throws", throwingGetters(field)] as const]) {
    const { core, collect } = startCore();
    const events: UsageEvent[] = [];
    core.addUsageSink({ write: (event) => void events.push(event) });
    const { [field as "model"]: _bad, ...others } = call;
    const bad =
      name === "a getter that throws" ? Object.assign(value as object, others) : { ...others, [field]: value };
    core.llm.record(bad as never);
    const collection = await collect();
    expect(collection.total("llm.requests"), name).toBe(1);
    if (field !== "outputTokens") {
      expect(collection.total("gen_ai.client.inference.operation.output_tokens"), name).toBe(5);
    }
    if (field !== "queueDuration") expect(collection.total("llm.queue.duration"), name).toBe(1);
    expect(events, name).toHaveLength(1);
    expectWellFormed(events[0]!);
  }
});

test("the fields of other calls are read apart from each other too", async () => {
  const { core, collect } = startCore();
  const without = (field: string, fields: object): never => Object.assign(throwingGetters(field), fields) as never;
  core.tool.record(without("duration", { tool: "search", status: "completed" }));
  core.task.record(without("name", { status: "completed", duration: 1 }));
  core.webhook.record(without("webhook", { status: "completed", duration: 1 }));
  core.rag.record(without("documents", { index: "handbook", status: "completed", duration: 1 }));
  core.database.record(without("operation", { system: "redis", duration: 1 }));
  core.http.record(without("route", { method: "GET", status: 200, duration: 1 }));
  const collection = await collect();
  expect(collection.total("tool.calls", { tool: "search" })).toBe(1);
  expect(collection.total("task.completed")).toBe(1);
  expect(collection.total("webhook.sent")).toBe(1);
  expect(collection.total("rag.retrievals")).toBe(1);
  expect(collection.count("db.client.operation.duration", { "db.system.name": "redis" })).toBe(1);
  expect(collection.count("http.server.request.duration", { "http.response.status_code": 200 })).toBe(1);
  expect(collection.total("meterbridge.values.refused", { reason: "field_unusable" })).toBeGreaterThanOrEqual(6);
});

test("a model call's target may be changed and used again while the call runs", async () => {
  const { core, collect } = startCore();
  const target = { provider: "openai", model: "small" };
  const run = core.llm.start(target);
  target.model = "large";
  run.complete({ inputTokens: 1, outputTokens: 1 });
  const collection = await collect();
  expect(collection.total("llm.requests", { model: "small" })).toBe(1);
  expect(collection.total("llm.requests", { model: "large" })).toBe(0);
});

test("a foreign meter provider that throws breaks no recording and no attribution", () => {
  useContextManager();
  metrics.setGlobalMeterProvider(hostileProxy() as never);
  const core = createCore();
  const calls = recordingCalls(core);
  expect(() => core.configure({})).not.toThrow();
  for (const recording of Object.values(calls)) expect(() => recording({ provider: "x" } as never)).not.toThrow();
  expect(core.withAttribution({ tenant: Symbol("x") as never }, () => 1)).toBe(1);
  const { clicks } = core.defineMeters({
    clicks: { name: "clicks", instrument: "counter", unit: "1", description: "Clicks" },
  });
  expect(() => clicks.add(NaN)).not.toThrow();
});

function expectWellFormed(event: UsageEvent): void {
  const text = expect.toSatisfy(
    (value: unknown) => value === null || (typeof value === "string" && value.length <= 255 && value.isWellFormed()),
  ) as string | null;
  const amount = expect.toSatisfy(
    (value: unknown) => value === null || (Number.isFinite(value) && (value as number) >= 0),
  ) as number | null;
  expect(event).toMatchObject({
    eventId: expect.stringMatching(/^.{1,255}$/),
    provider: text,
    model: text,
    errorType: text,
    inputTokens: amount,
    outputTokens: amount,
    cacheReadTokens: amount,
    cacheWriteTokens: amount,
    reasoningTokens: amount,
    inferenceMs: amount,
    queueMs: amount,
    isSuccess: expect.any(Boolean),
    usageSource: expect.stringMatching(/^(provider|partial|estimated|none)$/),
    attempts: expect.toSatisfy((value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1),
  });
  expect(Number.isFinite(event.occurredAt.getTime())).toBe(true);
}

test("usage under a provider's own names is not lost without a word: the names are told", async () => {
  const told = listenToDiag();
  const { core, collect } = startCore();
  core.llm.record({ provider: "openai", model: "gpt-5", prompt_tokens: 10, completion_tokens: 5 } as never);
  core.llm.record({ provider: "openai", model: "gpt-5", inputTokens: 10, duration: 1 });
  expect(told).toEqual([
    expect.stringMatching(/^\[meterbridge\] llm\.record: .*: prompt_tokens, completion_tokens \(/),
  ]);
  const refused = { meter: "llm.record", reason: "attribute_unknown" };
  expect((await collect()).total("meterbridge.values.refused", refused)).toBe(1);
});
