import { expect, test, vi } from "vitest";
import type { UsageEvent } from "../src/usage-event.ts";
import { listenToDiag, startCore } from "./collecting.ts";

const call = { provider: "openai", model: "gpt-4o", inputTokens: 100, outputTokens: 20 } as const;
const who = {
  tenant: "acme",
  employee: "ada",
  project: "p-1",
  process: "invoice",
  execution: "e-9",
  user: "u-17",
} as const;
const occurredAt = new Date("2026-01-02T03:04:05.678Z");

test("a model call's event is complete, so that a ledger needs nothing else", () => {
  const { core, events } = listen();
  core.configure({ priceBook: { name: "book@1", price: () => 42n } });
  core.withAttribution(who, () =>
    core.llm.record({
      ...call,
      cacheReadTokens: 60,
      cacheWriteTokens: 5,
      reasoningTokens: 7,
      responseModel: "gpt-4o-2024-08-06",
      serviceTier: "flex",
      duration: 1.5,
      queueDuration: 0.25,
      attempts: 3,
      eventId: "given",
      occurredAt,
    }),
  );
  expect(events).toEqual([
    {
      eventId: "given",
      occurredAt,
      kind: "llm_call",
      ...who,
      provider: "openai",
      model: "gpt-4o",
      responseModel: "gpt-4o-2024-08-06",
      serviceTier: "flex",
      name: null,
      inputTokens: 100,
      outputTokens: 20,
      cacheReadTokens: 60,
      cacheWriteTokens: 5,
      reasoningTokens: 7,
      costNanoUsd: 42n,
      costStatus: "priced",
      priceBook: "book@1",
      inferenceMs: 1500,
      queueMs: 250,
      isSuccess: true,
      errorType: null,
      usageSource: "provider",
      attempts: 3,
    },
  ]);
});

test("a task's and a tool call's event say who, what, how long and how it ended, and null for what they have not", () => {
  const { core, events } = listen();
  core.withAttribution(who, () => {
    core.task.record({ name: "refund", status: "completed", duration: 2 });
    core.tool.record({ tool: "search", status: "failed", duration: 0.5, errorType: "Timeout" });
  });
  const nothing = {
    provider: null,
    model: null,
    responseModel: null,
    serviceTier: null,
    inputTokens: null,
    outputTokens: null,
    cacheReadTokens: null,
    cacheWriteTokens: null,
    reasoningTokens: null,
    costNanoUsd: null,
    costStatus: "none",
    priceBook: null,
    queueMs: null,
    usageSource: "none",
    attempts: 1,
  };
  const made = { eventId: expect.any(String), occurredAt: expect.any(Date) };
  expect(events).toEqual([
    { ...nothing, ...who, ...made, kind: "task", name: "refund", inferenceMs: 2000, isSuccess: true, errorType: null },
    {
      ...nothing,
      ...who,
      ...made,
      kind: "tool_call",
      name: "search",
      inferenceMs: 500,
      isSuccess: false,
      errorType: "Timeout",
    },
  ]);
});

test("the cost's status says where it comes from", () => {
  const { core, events } = listen();
  const none = { provider: "openai", model: "gpt-4o" } as const;
  core.llm.record(call);
  core.configure({ priceBook: { name: "book", price: () => 1n } });
  core.llm.record(call);
  core.llm.record({ ...call, usageSource: "estimated" });
  core.llm.record({ ...call, costUsd: 1 });
  core.llm.record(none);
  core.llm.record({ ...none, errorType: "Timeout" });
  expect(events.map(({ costStatus }) => costStatus)).toEqual([
    "unpriced",
    "priced",
    "estimated",
    "provider",
    "unpriced",
    "none",
  ]);
  expect(events.map(({ usageSource }) => usageSource)).toEqual([
    "provider",
    "provider",
    "estimated",
    "provider",
    "none",
    "none",
  ]);
  expect(events[0]!.costNanoUsd).toBeNull();
});

test("an event says that its price counted what no event tells, so that nobody prices it anew without", () => {
  const { core } = startCore();
  const books: (string | null)[] = [];
  core.addUsageSink({ write: ({ priceBook }) => void books.push(priceBook) });
  core.configure({
    priceBook: {
      name: "book@1",
      price: ({ webSearches = 0, cacheWriteHourTokens = 0, inputByModality }) =>
        BigInt(1 + webSearches + cacheWriteHourTokens + (inputByModality?.audio ?? 0)),
    },
  });
  for (const used of [
    {},
    { webSearches: 2 },
    { webSearches: 0 },
    { cacheWriteHourTokens: 5 },
    { inputByModality: { text: 1, audio: 9 } },
    // The book does not tell it from text.
    { inputByModality: { image: 9 }, outputByModality: { image: 1 } },
  ]) {
    core.llm.record({ ...call, cacheWriteTokens: 5, ...used });
  }
  const detailed = "book@1+details";
  expect(books).toEqual(["book@1", detailed, "book@1", detailed, detailed, "book@1"]);
});

test("without a sink no event is built, and after its end a sink gets none", () => {
  const { core } = startCore();
  const random = vi.spyOn(crypto, "getRandomValues");
  // More events than ids are made ahead of need.
  const record = (): void => {
    for (let index = 0; index < 600; index++) core.llm.record(call);
    for (let index = 0; index < 600; index++) core.task.record({ status: "completed", duration: 1 });
  };
  record();
  expect(random).not.toHaveBeenCalled();

  const events: UsageEvent[] = [];
  const end = core.addUsageSink({ write: (event) => void events.push(event) });
  record();
  expect(random).toHaveBeenCalled();
  end();
  record();
  expect(events).toHaveLength(1200);
});

test("a sink that throws or rejects keeps no event from the others, and is counted and told", async () => {
  const told = listenToDiag();
  const { core, collect } = startCore();
  const written: string[] = [];
  core.addUsageSink({
    write: () => {
      throw new Error("disk full");
    },
  });
  core.addUsageSink({
    write: (): unknown => Promise.reject(new Error("connection lost")),
  });
  core.addUsageSink({ write: ({ kind }) => void written.push(kind) });
  core.llm.record(call);
  core.tool.record({ tool: "search", status: "completed", duration: 1 });
  expect(written).toEqual(["llm_call", "tool_call"]);
  const collection = await collect();
  expect(collection.total("meterbridge.values.refused", { reason: "sink_failed" })).toBe(4);
  expect(collection.total("llm.requests")).toBe(1);
  expect(told).toHaveLength(1);
});

test("an event's id is a UUID of version 7 with the time of the event, not of its recording, so that a ledger stays in order", () => {
  const { core, events } = listen();
  core.llm.record({ ...call, occurredAt });
  const [first] = events;
  expect(first!.eventId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(Number.parseInt(first!.eventId.replace("-", "").slice(0, 12), 16)).toBe(occurredAt.getTime());
});

function listen() {
  const { core } = startCore();
  const events: UsageEvent[] = [];
  core.addUsageSink({ write: (event) => void events.push(event) });
  return { core, events };
}
