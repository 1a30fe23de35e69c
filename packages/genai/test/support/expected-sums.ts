import type { Attributes } from "@opentelemetry/api";

/** One value that a model call has to be recorded by. */
export interface Expected {
  readonly name: string;
  readonly attributes: Attributes;
  readonly value: number;
}

export interface Surroundings {
  readonly namespace: string;
  readonly attributionLabels: readonly string[];
  readonly genaiSemconv: "dup" | "latest" | "v1.41";
  /** "none", or a book that takes an eighth of a dollar for each token of input, and does not know the model "unknown". */
  readonly book: string;
  readonly attribution: Readonly<Record<string, unknown>>;
}

/** What a call adds to which series, worked out from the documentation of the meters alone. */
export function expectedOf(call: Readonly<Record<string, unknown>>, surroundings: Surroundings): readonly Expected[] {
  const { namespace, attributionLabels, genaiSemconv, book, attribution } = surroundings;
  const found: Expected[] = [];
  const labels = Object.fromEntries(attributionLabels.map((label) => [label, labelOf(attribution[label])]));
  const add = (name: string, attributes: Readonly<Record<string, unknown>>, value: number | undefined): void => {
    if (value === undefined) return;
    const all = Object.entries({ ...attributes, ...labels }).filter(([, each]) => each !== undefined);
    const isOurs = name.startsWith("llm.");
    const own = Object.fromEntries<Attributes[string]>(all as [string, string][]);
    found.push({ name: isOurs && namespace !== "" ? `${namespace}.${name}` : name, attributes: own, value });
  };

  const provider = labelOf(call["provider"]);
  const model = labelOf(call["modelLabel"] ?? call["model"]);
  const givenOperation = call["operation"] ?? "chat";
  const operation = labelOf(givenOperation);
  const status = call["status"] ?? (call["errorType"] === undefined ? "completed" : "failed");
  const isKnownStatus = ["completed", "failed", "cancelled"].includes(status as string);
  const target = {
    "gen_ai.provider.name": provider,
    "gen_ai.operation.name": operation,
    "gen_ai.request.model": model,
    "gen_ai.response.model": labelOf(call["responseModel"]),
  };
  const ending = { ...target, "error.type": labelOf(call["errorType"]) };
  const priced = { provider, model };
  const input = countOf(call["inputTokens"]);
  const output = countOf(call["outputTokens"]);
  const cacheRead = countOf(call["cacheReadTokens"]);
  const duration = amountOf(call["duration"]);
  const isLatest = genaiSemconv !== "v1.41";
  const isOld = genaiSemconv !== "latest";
  const isInference = ["chat", "generate_content", "text_completion"].includes(givenOperation as string);

  if (isLatest && isInference) add("gen_ai.client.inference.duration", ending, duration);
  if (isOld || !isInference) add("gen_ai.client.operation.duration", ending, duration);
  if (isLatest) {
    add("gen_ai.client.inference.operation.input_tokens", ending, input);
    add("gen_ai.client.inference.operation.output_tokens", ending, output);
    const used = (name: string, whole: number | undefined, parts: unknown): void => {
      if (whole === undefined) return;
      for (const [modality, tokens] of sharesOf(whole, parts)) {
        add(`gen_ai.client.inference.usage.${name}`, { ...target, "gen_ai.token.modality": modality }, tokens);
      }
    };
    used("input_tokens", input ?? 0, call["inputByModality"]);
    used("output_tokens", output ?? 0, call["outputByModality"]);
    used("cache_read.input_tokens", cacheRead, call["cacheReadByModality"]);
    used("cache_write.input_tokens", countOf(call["cacheWriteTokens"]), undefined);
    used("reasoning.output_tokens", countOf(call["reasoningTokens"]), undefined);
  }
  if (isOld) {
    add("gen_ai.client.token.usage", { ...ending, "gen_ai.token.type": "input" }, input);
    add("gen_ai.client.token.usage", { ...ending, "gen_ai.token.type": "output" }, output);
  }
  add("llm.requests", { ...priced, operation, status: isKnownStatus ? status : "other" }, 1);

  const told = call["costUsd"];
  const isTold = typeof told === "number" && told >= 0 && told < 9_000_000;
  const isUsed = input !== undefined || output !== undefined;
  const isPriced = isUsed && book !== "none" && call["model"] !== "unknown";
  const cost = isTold ? told : isPriced ? (input ?? 0) / 8 : undefined;
  add("llm.cost", priced, cost);
  add("llm.request.cost", priced, cost);
  if (cost === undefined && (isUsed || status !== "failed")) add("llm.unpriced", priced, 1);
  add("llm.queue.duration", priced, amountOf(call["queueDuration"]));
  add("llm.context.size", priced, amountOf(call["contextSize"]));
  return found;
}

function labelOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value.toWellFormed();
  const isText = typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";
  return isText && !Number.isNaN(value) ? String(value) : "other";
}

function amountOf(value: unknown): number | undefined {
  const number = typeof value === "bigint" ? Number(value) : value;
  return typeof number === "number" && number >= 0 && number <= Number.MAX_SAFE_INTEGER ? number : undefined;
}

function countOf(value: unknown): number | undefined {
  const amount = amountOf(value);
  return Number.isInteger(amount) ? amount : undefined;
}

function sharesOf(whole: number, parts: unknown): readonly (readonly [modality: string, tokens: number])[] {
  const given = (typeof parts === "object" && parts !== null ? parts : {}) as Readonly<Record<string, unknown>>;
  const shares: [string, number][] = [];
  let rest = whole;
  for (const modality of ["text", "image", "audio", "video"]) {
    const tokens = countOf(given[modality]);
    if (tokens === undefined || tokens > rest) continue;
    shares.push([modality, tokens]);
    rest -= tokens;
  }
  return rest > 0 || shares.length === 0 ? [...shares, ["unknown", rest]] : shares;
}
