import { addUsageSink, llm, type UsageEvent } from "@meterbridge/core";
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { TracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace";
import { afterEach, beforeEach, expect, test } from "vitest";

const exporter = new InMemorySpanExporter();
const target = { provider: "openai", model: "gpt-4o" } as const;

beforeEach(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
});

afterEach(() => {
  exporter.reset();
  trace.disable();
  context.disable();
});

test("a measured model call is a client span with what it used and no text of the conversation", async () => {
  const secret = "my card is 4111 1111 1111 1111";
  await llm.measure(target, async () => ({
    model: "gpt-4o-2026",
    choices: [{ message: { content: secret } }],
    usage: { prompt_tokens: 100, completion_tokens: 20, prompt_tokens_details: { cached_tokens: 60 } },
  }));
  const [span] = exporter.getFinishedSpans();
  expect(span).toMatchObject({
    name: "chat gpt-4o",
    kind: SpanKind.CLIENT,
    status: { code: SpanStatusCode.UNSET },
    attributes: {
      "gen_ai.provider.name": "openai",
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "gpt-4o",
      "gen_ai.response.model": "gpt-4o-2026",
      "gen_ai.usage.input_tokens": 100,
      "gen_ai.usage.output_tokens": 20,
      "gen_ai.usage.cache_read.input_tokens": 60,
    },
  });
  expect(JSON.stringify([span!.attributes, span!.events, span!.name])).not.toContain("4111");
});

test("a failed call's span carries the kind of error, and neither its message nor its stack", async () => {
  const failed = llm.measure(target, () => Promise.reject(new RangeError("prompt was: secret")));
  await expect(failed).rejects.toThrow("secret");
  const [span] = exporter.getFinishedSpans();
  expect(span).toMatchObject({ status: { code: SpanStatusCode.ERROR }, attributes: { "error.type": "RangeError" } });
  expect(JSON.stringify([span!.attributes, span!.events, span!.status])).not.toContain("secret");
});

test("spans of the work itself stand below the call's, so that a trace shows what the call was made of", async () => {
  const tracer = trace.getTracer("test");
  await tracer.startActiveSpan("request", async (request) => {
    await llm.measure(target, async () => {
      await Promise.resolve();
      tracer.startSpan("fetch").end();
    });
    request.end();
  });
  const [fetch, call, request] = exporter.getFinishedSpans();
  expect([fetch, call, request].map((span) => span?.name)).toEqual(["fetch", "chat gpt-4o", "request"]);
  expect(fetch?.parentSpanContext?.spanId).toBe(call?.spanContext().spanId);
  expect(call?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
});

test("a call whose model's name is unusable still ends its span and is recorded", async () => {
  const events: UsageEvent[] = [];
  const end = addUsageSink({ write: (event) => void events.push(event) });
  llm.start({ provider: "openai", model: Symbol("model") as unknown as string }).complete({ inputTokens: 1 });
  end();
  expect(exporter.getFinishedSpans()).toHaveLength(1);
  expect(events).toMatchObject([{ inputTokens: 1, model: "other" }]);
});
