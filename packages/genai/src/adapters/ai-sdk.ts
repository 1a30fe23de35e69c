import { context } from "@opentelemetry/api";
import { createUsageReader, usageOf, type LlmEnding, type UsageReader } from "@meterbridge/core";
import { providerName } from "../spans/provider-name.ts";
import { beginAdapterCall, type AdapterCall } from "./adapter-call.ts";
import { quietly } from "./quietly.ts";
import { observeStream } from "./observed-stream.ts";

/** What is read of a model of the AI SDK. */
export interface ModelIdentity {
  readonly provider: string;
  readonly modelId: string;
}

/** Fits `LanguageModelMiddleware` of the AI SDK 5, 6 and 7. */
export interface MeterModelMiddleware {
  /** Each version of the SDK has its own word here, and none of them reads it. */
  readonly specificationVersion: never;
  wrapGenerate<Result>(options: {
    readonly doGenerate: () => PromiseLike<Result>;
    readonly model: ModelIdentity;
  }): Promise<Result>;
  wrapStream<Result extends { stream: ReadableStream<unknown> }>(options: {
    readonly doStream: () => PromiseLike<Result>;
    readonly model: ModelIdentity;
  }): Promise<Result>;
}

/** Fits `EmbeddingModelMiddleware` of the AI SDK 6 and 7. */
export interface MeterEmbeddingMiddleware {
  readonly specificationVersion: never;
  wrapEmbed<Result>(options: {
    readonly doEmbed: () => PromiseLike<Result>;
    readonly model: ModelIdentity;
  }): Promise<Result>;
}

/**
 * Middleware for `wrapLanguageModel` that meters each call of the model: what it used, how long it took, how it ended, streams that are given up
 * included. It is needed where the capture of `fetch` does not see the call, and stands aside where it does. Results stay as they are.
 */
export function meterModel(): MeterModelMiddleware {
  return {
    specificationVersion,
    wrapGenerate: ({ doGenerate, model }) => measure(model, "chat", doGenerate),
    async wrapStream({ doStream, model }) {
      const call = begin(model, "chat");
      const result = await failing(call, doStream);
      // Counted by whoever reads the bytes: the stream stays as it is.
      if (call.isCountedBeneath() || !isStream(quietly(() => result.stream))) {
        call.complete();
        return result;
      }
      return { ...result, stream: observeStream(result.stream, streamObserver(call)) };
    },
  };
}

/** Middleware for `wrapEmbeddingModel`, as {@link meterModel} is for language models. */
export function meterEmbeddingModel(): MeterEmbeddingMiddleware {
  return { specificationVersion, wrapEmbed: ({ doEmbed, model }) => measure(model, "embeddings", doEmbed) };
}

function isStream(value: unknown): boolean {
  return typeof (value as { getReader?: unknown } | null | undefined)?.getReader === "function";
}

const specificationVersion = "v4" as never;

async function measure<Result>(
  model: ModelIdentity,
  operation: string,
  work: () => PromiseLike<Result>,
): Promise<Result> {
  const call = begin(model, operation);
  const result = await failing(call, work);
  call.complete(quietly(() => usageOf(result)));
  return result;
}

function begin(model: ModelIdentity, operation: string): AdapterCall {
  return beginAdapterCall({ provider: providerName(model.provider), model: model.modelId, operation });
}

async function failing<Result>(call: AdapterCall, work: () => PromiseLike<Result>): Promise<Result> {
  try {
    return await context.with(call.active, work);
  } catch (error) {
    call.fail(error, statusOf(error));
    throw error;
  }
}

function streamObserver(call: AdapterCall): Parameters<typeof observeStream<unknown>>[1] {
  const reader = createUsageReader();
  let isFinished = false;
  return {
    part: (part) =>
      void quietly(() => {
        const { type, delta } = part as { type?: unknown; delta?: unknown };
        if (typeof type !== "string") return;
        if (type.endsWith("-delta") && delta !== "") call.chunk();
        if (type === "finish") isFinished = true;
        reader.read(part);
      }),
    end() {
      const errorType = reader.failure();
      if (errorType !== undefined) call.fail(undefined, { ...partial(reader), errorType });
      else if (isFinished) call.complete(reader.usage());
      // The AI SDK 7 ends a stream that was aborted as if it had come to its end.
      else call.cancel(partial(reader));
    },
    fail: (error) => call.fail(error, partial(reader)),
    cancel: () => call.cancel(partial(reader)),
  };
}

function partial(reader: UsageReader): LlmEnding {
  const usage = reader.usage();
  return {
    ...usage,
    usageSource: reader.isFinal() ? "provider" : usage?.inputTokens === undefined ? "none" : "partial",
  };
}

/** `APICallError` of all versions carries the provider's status. */
function statusOf(error: unknown): LlmEnding | null {
  const status = quietly(() => (error as { statusCode?: unknown }).statusCode);
  return typeof status === "number" ? { errorType: String(status) } : null;
}
