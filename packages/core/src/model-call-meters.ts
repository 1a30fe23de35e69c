import { callDollars, contextBytes, modelCallSeconds, tokens } from "./buckets.ts";
import { counter, histogram, optionalText, text, type MeterDefinition } from "./meter-definition.ts";
import { errorType, genAi } from "./semconv.ts";
import { runStatuses as status } from "./vocabulary.ts";

const call = {
  [genAi.provider]: text,
  [genAi.operation]: text,
  [genAi.requestModel]: text,
  [genAi.responseModel]: optionalText,
} as const;
const finished = { ...call, [errorType]: optionalText } as const;
const used = { ...call, [genAi.modality]: ["unknown", "text", "image", "audio", "video"] } as const;
const priced = { provider: text, model: text } as const;

/** Latency, tokens and cost of model calls: both generations of the GenAI conventions, and our own business meters. */
export const modelCallMeters: readonly MeterDefinition[] = [
  // Model calls: latency.
  histogram(
    "gen_ai.client.inference.duration",
    "s",
    "Duration of a model call, the whole stream included",
    finished,
    modelCallSeconds,
  ),
  histogram(
    "gen_ai.client.inference.time_to_first_chunk",
    "s",
    "Time until a streamed answer's first chunk",
    call,
    modelCallSeconds,
  ),
  histogram(
    "gen_ai.client.inference.time_per_output_chunk",
    "s",
    "Time between chunks of a streamed answer",
    call,
    modelCallSeconds,
  ),
  histogram(
    "gen_ai.client.operation.duration",
    "s",
    "Duration of a GenAI operation (v1.41: of a model call too)",
    finished,
    modelCallSeconds,
  ),
  histogram(
    "gen_ai.client.operation.time_to_first_chunk",
    "s",
    "Time until a streamed answer's first chunk (v1.41)",
    call,
    modelCallSeconds,
  ),
  histogram(
    "gen_ai.client.operation.time_per_output_chunk",
    "s",
    "Time between chunks of a streamed answer (v1.41)",
    call,
    modelCallSeconds,
  ),
  // Model calls: tokens.
  counter("gen_ai.client.inference.usage.input_tokens", "{token}", "Tokens sent to models, cached ones included", used),
  counter("gen_ai.client.inference.usage.output_tokens", "{token}", "Tokens made by models, reasoning included", used),
  counter(
    "gen_ai.client.inference.usage.cache_read.input_tokens",
    "{token}",
    "Input tokens read from a provider's cache",
    used,
  ),
  counter(
    "gen_ai.client.inference.usage.cache_write.input_tokens",
    "{token}",
    "Input tokens written to a provider's cache",
    used,
  ),
  counter("gen_ai.client.inference.usage.reasoning.output_tokens", "{token}", "Output tokens spent on reasoning", used),
  histogram(
    "gen_ai.client.inference.operation.input_tokens",
    "{token}",
    "Input tokens of one model call",
    finished,
    tokens,
  ),
  histogram(
    "gen_ai.client.inference.operation.output_tokens",
    "{token}",
    "Output tokens of one model call",
    finished,
    tokens,
  ),
  histogram(
    "gen_ai.client.token.usage",
    "{token}",
    "Tokens of one model call by type (v1.41)",
    { ...finished, [genAi.tokenType]: ["input", "output"] },
    tokens,
  ),
  // Model calls: business.
  counter("llm.requests", "{request}", "Model calls by how they ended", { ...priced, operation: text, status }),
  counter("llm.cost", "USD", "Cost of model calls", priced),
  histogram("llm.request.cost", "USD", "Cost of one model call", priced, callDollars),
  counter(
    "llm.unpriced",
    "{request}",
    "Model calls whose cost is not known: no price for the model, or no usage that could be read",
    priced,
  ),
  histogram("llm.queue.duration", "s", "Time a model call waited before it was sent", priced, modelCallSeconds),
  histogram("llm.context.size", "By", "Size of the context handed to a model", priced, contextBytes),
];
