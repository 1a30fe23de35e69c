import { createRequire } from "node:module";
import path from "node:path";
import { openCallDoor, llm, withAttribution, withoutCapture } from "@meterbridge/core";
import {
  context,
  ROOT_CONTEXT,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
} from "@opentelemetry/api";
import { expect, test } from "vitest";
import { genAiSpans } from "../src/spans/gen-ai-spans.ts";
import { isModelCallSpan, markCounted } from "../src/spans/span-notes.ts";
import { listenToDiag, startMeters } from "./support/meters.ts";
import { begin, span, startSpans } from "./support/spans.ts";

const call = { "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5" };
const framework = { "openinference.span.kind": "LLM", "llm.provider": "openai", "llm.model_name": "gpt-5" };
const toolSpan = { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search" };

test("of a framework's span over a client's span of one call the inner counts, whoever tells what it is first", () => {
  const meters = startMeters();
  startSpans();
  for (const atStart of [framework, {}]) {
    const outer = begin({ name: "ChatOpenAI", atStart });
    const inner = begin({ atStart: call, within: beneath(outer) });
    end(inner, { "gen_ai.usage.input_tokens": 10 });
    end(outer, { ...framework, "llm.token_count.prompt": 99 });
  }
  expect(meters.events.map(({ inputTokens }) => inputTokens)).toEqual([10, 10]);
});

test("a framework's span that ends before the client's streamed one counts, and the client's does not count once more", () => {
  const meters = startMeters();
  startSpans();
  const outer = begin({ atStart: framework });
  const inner = begin({ atStart: call, within: beneath(outer) });
  end(outer, { "llm.token_count.prompt": 99 });
  end(inner, { "gen_ai.usage.input_tokens": 10 });
  expect(meters.events.map(({ inputTokens }) => inputTokens)).toEqual([99]);
});

test("a call that begins after the span it runs in has ended is another call", () => {
  const meters = startMeters();
  startSpans();
  const first = begin({ atStart: call });
  end(first);
  const second = begin({ atStart: call, within: beneath(first) });
  end(second);
  expect(meters.events).toHaveLength(2);
});

test("a model that a tool calls is no part of the call that asked for the tool", () => {
  const meters = startMeters();
  startSpans();
  // As the AI SDK 7 nests them.
  const outer = begin({ atStart: call });
  const tool = begin({ atStart: toolSpan, within: beneath(outer) });
  const inner = begin({ atStart: call, within: beneath(tool) });
  end(inner);
  end(tool);
  end(outer);
  expect(meters.events.map(({ kind }) => kind)).toEqual(["llm_call", "tool_call", "llm_call"]);
});

test("several calls under one agent's span count each, and the agent once", async () => {
  const meters = startMeters();
  startSpans();
  const agent = begin({ atStart: { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "researcher" } });
  for (let step = 0; step < 3; step += 1) end(begin({ atStart: call, within: beneath(agent) }));
  end(agent, { "gen_ai.usage.input_tokens": 300 });
  expect(meters.events).toHaveLength(3);
  expect((await meters.collect()).total("agent.executions")).toBe(1);
});

test("one tool seen by two instrumentations counts once; a tool that calls another counts both", async () => {
  const meters = startMeters();
  startSpans();
  const outer = begin({ atStart: { "openinference.span.kind": "TOOL", "tool.name": "search" } });
  const between = begin({ name: "tools/call", within: beneath(outer) });
  const inner = begin({ atStart: toolSpan, within: beneath(between) });
  const other = begin({ atStart: { ...toolSpan, "gen_ai.tool.name": "fetch" }, within: beneath(inner) });
  for (const each of [other, inner, between, outer]) end(each);
  const collection = await meters.collect();
  expect(collection.total("tool.calls", { tool: "search" })).toBe(1);
  expect(collection.total("tool.calls", { tool: "fetch" })).toBe(1);
});

test("a call that the capture counts under a framework's span is not counted by the span", () => {
  const meters = startMeters();
  startSpans();
  const outer = begin({ atStart: framework });
  const request = begin({ name: "POST", within: beneath(outer) });
  expect(isModelCallSpan(beneath(outer))).toBe(true);
  expect(isModelCallSpan(beneath(request))).toBe(false);
  expect(isModelCallSpan(ROOT_CONTEXT)).toBe(false);
  markCounted(beneath(request));
  end(request);
  end(outer);
  expect(meters.events).toEqual([]);
});

test("a call that core's own recorder makes under a framework's span is counted by the recorder alone", async () => {
  const meters = startMeters();
  startSpans();
  const outer = begin({ atStart: framework });
  await context.with(beneath(outer), () =>
    llm.measure({ provider: "openai", model: "gpt-5" }, () => ({ usage: { prompt_tokens: 7, completion_tokens: 1 } })),
  );
  end(outer, { "llm.token_count.prompt": 99 });
  expect(meters.events.map(({ inputTokens }) => inputTokens)).toEqual([7]);
});

test("who measures around a span stands aside, and who keeps the call to itself is heeded", () => {
  const meters = startMeters();
  startSpans();
  const door = openCallDoor();
  span(call, { within: door.active });
  expect(door.countedBeneath()).toBe(true);
  withoutCapture(() => span(call, { within: context.active() }));
  expect(meters.events).toHaveLength(1);
});

test("a call belongs to the tenant for whom its span was begun, wherever the span ends", () => {
  const meters = startMeters();
  startSpans();
  const made = withAttribution({ tenant: "acme" }, () => begin({ atStart: call, within: context.active() }));
  withAttribution({ tenant: "other-tenant" }, () => end(made));
  expect(meters.events).toMatchObject([{ tenant: "acme" }]);
});

test("of an endless chain of spans, each within the one before, no more than the nearest are kept", () => {
  startMeters();
  startSpans();
  let within: Context = ROOT_CONTEXT;
  let last = begin({ within });
  for (let step = 0; step < 1000; step += 1) {
    last = begin({ name: "step", within });
    within = beneath(last);
    end(last);
  }
  let depth = 0;
  const seen: unknown[] = [];
  // Notes are found by their span alone, so what holds them is what they hold of each other.
  for (let note = noteHolder().notes.get(last); note !== undefined; note = note.parent) {
    depth += 1;
    seen.push(note.span);
  }
  expect(depth).toBeLessThanOrEqual(65);
  expect(seen.filter((held) => held !== undefined)).toEqual([]);
});

test("what a span holds is read by name alone: no attribute with a prompt, an answer or an argument is touched", async () => {
  const meters = startMeters();
  const processor = genAiSpans();
  const secret = "the secret prompt";
  const kinds: Attributes[] = [
    call,
    framework,
    toolSpan,
    { "ai.operationId": "ai.streamText.doStream", "ai.model.id": "gpt-5", "ai.response.finishReason": "stop" },
    { "ai.operationId": "ai.toolCall", "ai.toolCall.name": "search" },
    { "openinference.span.kind": "RETRIEVER" },
    { "traceloop.span.kind": "workflow", "traceloop.entity.name": "support" },
    { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "researcher" },
  ];
  const touched = new Set<string>();
  for (const kind of kinds) {
    const attributes = new Proxy(kind, {
      get(target, name, receiver) {
        touched.add(String(name));
        return content.has(String(name)) ? secret : (Reflect.get(target, name, receiver) as unknown);
      },
      ownKeys: () => {
        throw new Error("the attributes were listed");
      },
    });
    const made = { ...plainSpan(), attributes, status: { code: 2, message: secret } };
    processor.onStart(made, ROOT_CONTEXT);
    processor.onEnd(made);
  }
  expect(touched.size).toBeGreaterThan(20);
  expect(
    [...touched].filter((name) => !name.includes("token_count") && (content.has(name) || looksLikeContent.test(name))),
  ).toEqual([]);
  expect(meters.events).not.toEqual([]);
  const { resourceMetrics } = await meters.collect();
  expect(JSON.stringify([resourceMetrics, meters.events], withoutBigInt)).not.toContain("secret");
});

test("nothing that a span may hold reaches the application as an error; it is told once", () => {
  const meters = startMeters();
  const told = listenToDiag();
  const processor = genAiSpans();
  const hostile: unknown[] = [
    {},
    { attributes: null, status: null, duration: "long" },
    {
      attributes: { ...call, "gen_ai.usage.input_tokens": "10", "gen_ai.usage.output_tokens": -5 },
      duration: [Number.NaN, 1n],
    },
    {
      attributes: {
        ...call,
        "gen_ai.request.model": ["a", "b"],
        "gen_ai.usage.input_tokens": Number.POSITIVE_INFINITY,
      },
    },
    { attributes: call, events: [null, 7, { name: "exception", attributes: null }], status: { code: 2 } },
    Object.defineProperty({}, "attributes", {
      get() {
        throw new Error("the secret prompt");
      },
    }),
  ];
  for (const each of hostile) {
    expect(() => {
      processor.onStart(each as object, ROOT_CONTEXT);
      markCounted(trace.setSpan(ROOT_CONTEXT, each as Span));
      processor.onEnd(each as object);
    }).not.toThrow();
  }
  expect(told.filter((line) => line.includes("[spans]"))).toHaveLength(1);
  expect(told.join()).not.toContain("secret");
  for (const { inputTokens, inferenceMs } of meters.events) expect([inputTokens, inferenceMs]).toEqual([null, 0]);
});

test("spans of the trace SDKs 1 and 2 count as well", () => {
  const meters = startMeters();
  const older = createRequire(path.join(import.meta.dirname, "../../../test/otel-2/package.json"));
  const { BasicTracerProvider } = older("@opentelemetry/sdk-trace-base") as {
    BasicTracerProvider: new (options: { spanProcessors: unknown[] }) => { getTracer(name: string): Tracer };
  };
  const tracer = new BasicTracerProvider({ spanProcessors: [genAiSpans()] }).getTracer("ai");
  tracer.startSpan("chat", { attributes: call }).end();
  expect(meters.events).toHaveLength(1);
  // As SDK 1 has it: no scope, but a library.
  const first = { ...plainSpan(), attributes: call, instrumentationLibrary: { name: "@meterbridge/core" } };
  const processor = genAiSpans();
  processor.onStart(first, ROOT_CONTEXT);
  processor.onEnd(first);
  expect(meters.events).toHaveLength(1);
});

const content: ReadonlySet<string> = new Set([
  "gen_ai.input.messages",
  "gen_ai.output.messages",
  "gen_ai.system_instructions",
  "gen_ai.tool.call.arguments",
  "gen_ai.tool.call.result",
  "gen_ai.prompt",
  "gen_ai.completion",
  "ai.prompt",
  "ai.prompt.messages",
  "ai.response.text",
  "ai.toolCall.args",
  "ai.toolCall.result",
  "input.value",
  "output.value",
  "traceloop.entity.input",
  "traceloop.entity.output",
]);
const looksLikeContent = /messages|\.prompt$|\.completion$|arguments|\.args|result|\.text|\.value|input$|output$/;

interface Note {
  readonly parent: Note | undefined;
  readonly span: unknown;
}

function noteHolder(): { readonly notes: WeakMap<object, Note> } {
  return (globalThis as unknown as Record<symbol, { notes: WeakMap<object, Note> }>)[Symbol.for("meterbridge.spans")]!;
}

function plainSpan(): { name: string; duration: [number, number]; events: never[] } {
  return { name: "span", duration: [1, 0], events: [] };
}

function beneath(above: Span): Context {
  return trace.setSpan(ROOT_CONTEXT, above);
}

function end(begun: Span, attributes: Attributes = {}): void {
  begun.setAttributes(attributes);
  begun.end();
}

function withoutBigInt(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
