import { context } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { listenToDiag, startCore } from "./collecting.ts";

const openai = { provider: "openai", model: "gpt-5" } as const;
const used = { inputTokens: 90, outputTokens: 30 };
const twice = expect.stringContaining("same model, same tokens");

test("a call that is captured and recorded by hand too is told of once, and counted as it was told", async () => {
  const told = listenToDiag();
  const { core, collect } = startCore();
  core.llm.start(openai).complete({ ...used, responseModel: "gpt-5-2026" });
  core.llm.record({ ...openai, ...used });
  core.llm.start(openai).complete(used);
  core.llm.record({ provider: "openai", model: "gpt-5", ...used });
  expect(told).toEqual([twice]);
  expect((await collect()).total("llm.requests")).toBe(4);
});

test("a measured call is told of too, where no context tells that it was captured beneath", async () => {
  const told = listenToDiag();
  const { core } = startCore();
  context.disable();
  await core.llm.measure({ ...openai, model: "my-deployment" }, () => {
    core.llm.start(openai).complete({ ...used, responseModel: "gpt-5-2026" });
    return { model: "gpt-5-2026", usage: { prompt_tokens: 90, completion_tokens: 30 } };
  });
  expect(told).toEqual([twice]);
});

test.each([
  ["of other tokens", { ...openai, inputTokens: 91, outputTokens: 30 }],
  ["of another model", { ...openai, ...used, model: "gpt-6" }],
  ["without tokens", { ...openai }],
])("two calls of which one is %s are two calls", (_name, call) => {
  const told = listenToDiag();
  const { core } = startCore();
  core.llm.start(openai).complete(used);
  core.llm.record(call);
  expect(told).toEqual([]);
});

test("calls that are alike in two requests are two calls", () => {
  const told = listenToDiag();
  const { core } = startCore();
  core.withAttribution({ tenant: "a" }, () => core.llm.start(openai).complete(used));
  core.withAttribution({ tenant: "b" }, () => core.llm.record({ ...openai, ...used }));
  expect(told).toEqual([]);
});

test("two calls that were both captured may well be alike", () => {
  const told = listenToDiag();
  const { core } = startCore();
  core.llm.start(openai).complete(used);
  core.llm.start(openai).complete(used);
  expect(told).toEqual([]);
});
