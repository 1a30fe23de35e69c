import { createUsageReader, usageOf, type LlmEnding } from "@meterbridge/core";
import { quietly } from "./quietly.ts";

/** Reads what a call of Bedrock used: from Converse's own counts, from the model's own answer, or from the counts that Bedrock puts beside that. */
export interface InvocationReader {
  /** The HTTP response, whose headers tell the counts of an invocation. */
  readHeaders(response: unknown): void;
  /** A whole answer: the output of Converse, or an invocation's bytes. */
  readWhole(answer: unknown): void;
  /** An event of a stream. True when it carries something of the answer. */
  readEvent(event: unknown): boolean;
  usage(): LlmEnding;
  /** Of an answer that was cut. */
  partialUsage(): LlmEnding;
}

export function invocationReader(): InvocationReader {
  const events = createUsageReader();
  let whole: LlmEnding | null = null;
  let beside: LlmEnding | undefined;

  const usage = (): LlmEnding => {
    const told = whole ?? events.usage();
    return told?.inputTokens === undefined && told?.outputTokens === undefined ? { ...told, ...beside } : told;
  };

  return {
    readHeaders(response) {
      const headers = fieldsOf(fieldsOf(response)["headers"]);
      const header = (name: string): number | undefined =>
        count(Number(headers[`x-amzn-bedrock-${name}-token-count`] ?? Number.NaN));
      beside = counted(header("input"), header("output"), header("cache-read-input"), header("cache-write-input"));
    },
    readWhole(answer) {
      whole = quietly(() => usageOf(answer instanceof Uint8Array ? parsed(answer) : answer));
    },
    readEvent(event) {
      return (
        quietly(() => {
          const { bytes } = fieldsOf(fieldsOf(event)["chunk"]);
          const told = fieldsOf(bytes instanceof Uint8Array ? parsed(bytes) : event);
          events.read(told);
          const metrics = told["amazon-bedrock-invocationMetrics"];
          if (metrics !== undefined) {
            const { inputTokenCount, outputTokenCount, cacheReadInputTokenCount, cacheWriteInputTokenCount } =
              fieldsOf(metrics);
            beside = counted(
              count(inputTokenCount),
              count(outputTokenCount),
              count(cacheReadInputTokenCount),
              count(cacheWriteInputTokenCount),
            );
          }
          return isContent(told);
        }) === true
      );
    },
    usage,
    partialUsage() {
      const told = usage();
      const isFinal = events.isFinal() || beside !== undefined;
      return { ...told, usageSource: isFinal ? "provider" : told.inputTokens === undefined ? "none" : "partial" };
    },
  };
}

/** Bedrock counts cached tokens beside the input. */
function counted(
  input: number | undefined,
  outputTokens: number | undefined,
  cacheReadTokens: number | undefined,
  cacheWriteTokens: number | undefined,
): LlmEnding | undefined {
  if (input === undefined && outputTokens === undefined) return undefined;
  const inputTokens = input === undefined ? undefined : input + (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0);
  return { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens };
}

/** Converse's deltas, Anthropic's, and the chunks of models that have no kinds of events. */
function isContent(event: Fields): boolean {
  if ("contentBlockDelta" in event) return true;
  const isConverse = ["messageStart", "contentBlockStart", "contentBlockStop", "messageStop", "metadata"].some(
    (name) => name in event,
  );
  const { type } = event;
  return !isConverse && (typeof type !== "string" || type === "content_block_delta");
}

type Fields = Readonly<Record<string, unknown>>;

function parsed(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}
