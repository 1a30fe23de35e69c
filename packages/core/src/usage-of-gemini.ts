import type { LlmUsage, Modality, TokensByModality } from "./llm-call.ts";
import { byModality, fieldsOf, number, sum, sumOf, word, type Fields } from "./usage-fields.ts";

/** Google's Gemini, by its own API and by Vertex AI. Thoughts come beside the output, results of tools beside the prompt. */
export function geminiUsage(result: Fields, usage: Fields): LlmUsage {
  const thoughts = number(usage["thoughtsTokenCount"]);
  const output = byModalityOf(usage["candidatesTokensDetails"] ?? usage["responseTokensDetails"]);
  return {
    inputTokens: sum(number(usage["promptTokenCount"]), number(usage["toolUsePromptTokenCount"])),
    outputTokens: sum(number(usage["candidatesTokenCount"] ?? usage["responseTokenCount"]), thoughts),
    cacheReadTokens: number(usage["cachedContentTokenCount"]),
    reasoningTokens: thoughts,
    inputByModality: added(
      byModalityOf(usage["promptTokensDetails"]),
      byModalityOf(usage["toolUsePromptTokensDetails"]),
    ),
    cacheReadByModality: byModalityOf(usage["cacheTokensDetails"]),
    // Thoughts are text; where nothing is told by modality, they alone would say little.
    outputByModality: output && added(output, thoughts === undefined ? undefined : { text: thoughts }),
    webSearches: searchesOf(result),
    responseModel: word(result["modelVersion"]),
    serviceTier: tierOf(usage),
  };
}

/**
 * Searches that grounding an answer took. From Gemini 3 on each query is charged for that is not empty and not asked twice, before it each
 * answer that has any: https://ai.google.dev/gemini-api/docs/google-search#pricing
 */
export function searchesOf({ candidates, modelVersion }: Fields): number | undefined {
  if (!Array.isArray(candidates)) return undefined;
  const queries = new Set<unknown>();
  for (const candidate of candidates) {
    const asked = fieldsOf(fieldsOf(candidate)["groundingMetadata"])["webSearchQueries"];
    if (Array.isArray(asked)) for (const query of asked) if (query !== "") queries.add(query);
  }
  if (queries.size === 0) return undefined;
  return typeof modelVersion === "string" && /gemini-[12]\b/.test(modelVersion) ? 1 : queries.size;
}

/** Embeddings by Vertex AI tell the tokens of each text by itself. Undefined when none does. */
export function embeddedTokens(embeddings: unknown): number | undefined {
  if (!Array.isArray(embeddings)) return undefined;
  return sumOf(embeddings, (embedding) => number(fieldsOf(fieldsOf(embedding)["statistics"])["tokenCount"]));
}

function byModalityOf(details: unknown): TokensByModality | undefined {
  if (!Array.isArray(details)) return undefined;
  const tokens: Record<Modality, number> = { text: 0, image: 0, audio: 0, video: 0 };
  for (const detail of details) {
    const { modality, tokenCount } = fieldsOf(detail);
    const name = typeof modality === "string" ? modality.toLowerCase() : "";
    if (isModality(name)) tokens[name] += number(tokenCount) ?? 0;
  }
  return byModality(tokens);
}

function isModality(name: string): name is Modality {
  return name === "text" || name === "image" || name === "audio" || name === "video";
}

function added(some: TokensByModality | undefined, more: TokensByModality | undefined): TokensByModality | undefined {
  if (some === undefined || more === undefined) return some ?? more;
  return byModality({
    text: sum(some.text, more.text),
    image: sum(some.image, more.image),
    audio: sum(some.audio, more.audio),
    video: sum(some.video, more.video),
  });
}

/** Gemini's API names the tier, Vertex AI the kind of traffic. */
function tierOf(usage: Fields): string | undefined {
  const tier = word(usage["serviceTier"])?.toLowerCase();
  return tier ?? tiersOfTraffic.get(usage["trafficType"]);
}

const tiersOfTraffic: ReadonlyMap<unknown, string> = new Map([
  ["ON_DEMAND", "default"],
  ["ON_DEMAND_PRIORITY", "priority"],
  ["ON_DEMAND_FLEX", "flex"],
  ["ON_DEMAND_OFFPEAK", "offpeak"],
  ["PROVISIONED_THROUGHPUT", "provisioned"],
]);
