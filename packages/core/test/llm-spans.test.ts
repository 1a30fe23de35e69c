import { SpanStatusCode, trace, type Attributes, type Span, type SpanOptions, type Tracer } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { startCore } from "./collecting.ts";

const openai = { provider: "openai", model: "gpt-5" } as const;

test("a call's span tells what it used, and of a failure its kind alone", async () => {
  const { core } = startCore();
  const spans = collectSpans();
  await core.llm.measure(openai, () => ({
    model: "gpt-5-2026",
    usage: { prompt_tokens: 9, completion_tokens: 3, completion_tokens_details: { reasoning_tokens: 2 } },
  }));
  await expect(
    core.llm.measure(openai, () => {
      throw new TypeError("secret");
    }),
  ).rejects.toThrow("secret");
  expect(spans.map(({ name, attributes, status, ended }) => [name, attributes, status, ended])).toEqual([
    [
      "chat gpt-5",
      {
        "gen_ai.provider.name": "openai",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.response.model": "gpt-5-2026",
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.reasoning.output_tokens": 2,
      },
      undefined,
      1,
    ],
    ["chat gpt-5", expect.objectContaining({ "error.type": "TypeError" }), { code: SpanStatusCode.ERROR }, 1],
  ]);
});

test("the span of a streamed call ends with its stream", async () => {
  const { core } = startCore();
  const spans = collectSpans();
  const stream = await core.llm.measure(openai, async function* () {
    yield { type: "message_start", message: { usage: { input_tokens: 9, output_tokens: 1 } } };
  });
  expect(spans[0]!.ended).toBe(0);
  for await (const piece of stream) void piece;
  expect(spans[0]).toMatchObject({ ended: 1, attributes: { "gen_ai.usage.input_tokens": 9 } });
});

test("the span of a call that somebody else counts ends all the same, once", () => {
  const { core } = startCore();
  const spans = collectSpans();
  const run = core.llm.start(openai);
  run.discard(new TypeError("secret"));
  run.discard();
  run.fail();
  expect(spans).toEqual([expect.objectContaining({ ended: 1, status: { code: SpanStatusCode.ERROR } })]);
});

test("the span of a call that is told of later begins when the call did", () => {
  const { core } = startCore();
  const spans = collectSpans();
  const begunAt = performance.now() - 5000;
  core.llm.start(openai, { begunAt }).complete();
  expect(spans[0]!.options.startTime).toEqual(new Date(performance.timeOrigin + begunAt));
});

interface SeenSpan {
  readonly name: string;
  readonly options: SpanOptions;
  readonly attributes: Attributes;
  status: unknown;
  ended: number;
}

/** The spans that are started from now on, until the test ends. */
function collectSpans(): SeenSpan[] {
  const spans: SeenSpan[] = [];
  const tracer: Pick<Tracer, "startSpan"> = {
    startSpan(name, options = {}) {
      const seen: SeenSpan = { name, options, attributes: { ...options.attributes }, status: undefined, ended: 0 };
      spans.push(seen);
      return {
        ...trace.wrapSpanContext({ traceId: "1".repeat(32), spanId: "1".repeat(16), traceFlags: 1 }),
        spanContext: () => ({ traceId: "1".repeat(32), spanId: "1".repeat(16), traceFlags: 1 }),
        isRecording: () => true,
        setAttribute: (key: string, value: never) => void (seen.attributes[key] = value),
        setStatus: (status: unknown) => void (seen.status = status),
        end: () => void seen.ended++,
      } as unknown as Span;
    },
  };
  trace.setGlobalTracerProvider({ getTracer: () => tracer as Tracer });
  return spans;
}
