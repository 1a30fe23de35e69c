import type { LlmUsage } from "./llm-call.ts";
import { byModality, fieldsOf, isObject, number, sum, withReasoning, word, type Fields } from "./usage-fields.ts";

/** Vercel's AI SDK, 5 to 7: results and stream parts, of the SDK and of its models. */
export function aiSdkUsage(result: Fields, usage: Fields): LlmUsage {
  const metadata = fieldsOf(result["providerMetadata"]);
  return {
    ...(isObject(usage["inputTokens"]) ? modelUsage(usage) : sdkUsage(usage, fieldsOf(metadata["anthropic"]))),
    responseModel: word(fieldsOf(result["response"])["modelId"]),
    serviceTier: word(fieldsOf(metadata["openai"])["serviceTier"]),
  };
}

/** LangChain's messages: `usage_metadata` is the same for all providers, and includes the cached tokens. */
export function langChainUsage(message: Fields, usage: Fields): LlmUsage {
  const input = fieldsOf(usage["input_token_details"]);
  const output = fieldsOf(usage["output_token_details"]);
  const { model_name: modelName, model, service_tier: tier } = fieldsOf(message["response_metadata"]);
  return {
    inputTokens: number(usage["input_tokens"]),
    outputTokens: number(usage["output_tokens"]),
    cacheReadTokens: number(input["cache_read"]),
    cacheWriteTokens: number(input["cache_creation"]),
    reasoningTokens: number(output["reasoning"]),
    inputByModality: modalitiesOf(input),
    outputByModality: modalitiesOf(output),
    responseModel: word(modelName ?? model),
    serviceTier: word(tier),
  };
}

/** What its models tell since the AI SDK 6. */
function modelUsage({ inputTokens, outputTokens }: Fields): LlmUsage {
  const input = fieldsOf(inputTokens);
  const output = fieldsOf(outputTokens);
  return {
    inputTokens: number(input["total"]),
    outputTokens: number(output["total"]),
    cacheReadTokens: number(input["cacheRead"]),
    cacheWriteTokens: number(input["cacheWrite"]),
    reasoningTokens: number(output["reasoning"]),
  };
}

function sdkUsage(usage: Fields, anthropic: Fields): LlmUsage {
  const input = fieldsOf(usage["inputTokenDetails"]);
  const reasoning = number(fieldsOf(usage["outputTokenDetails"])["reasoningTokens"] ?? usage["reasoningTokens"]);
  const cacheRead = number(input["cacheReadTokens"] ?? usage["cachedInputTokens"]);
  // The AI SDK 5 hands on what Anthropic tells, whose cached tokens come beside the input.
  const isBeside = !("inputTokenDetails" in usage) && isObject(anthropic["usage"]);
  const cacheWrite = number(isBeside ? anthropic["cacheCreationInputTokens"] : input["cacheWriteTokens"]);
  // An embedding has nothing but its tokens.
  const told = number(usage["inputTokens"] ?? usage["tokens"]);
  const all = isBeside && told !== undefined ? sum(told, cacheRead, cacheWrite) : told;
  return {
    inputTokens: all,
    outputTokens: withReasoning(told, number(usage["outputTokens"]), reasoning, usage["totalTokens"]),
    cacheReadTokens: cacheRead,
    cacheWriteTokens: cacheWrite,
    reasoningTokens: reasoning,
  };
}

function modalitiesOf(details: Fields): LlmUsage["inputByModality"] {
  return byModality({
    text: details["text"],
    image: details["image"],
    audio: details["audio"],
    video: details["video"],
  });
}
