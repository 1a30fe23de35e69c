import { usageOf, type LlmUsage } from "@meterbridge/core";

type Fields = Readonly<Record<string, unknown>>;

/** What the start of a call tells of its model. */
export function modelIn(extraParameters: unknown, metadata: unknown): { provider: string; model: string } {
  const invocation = fieldsOf(fieldsOf(extraParameters)["invocation_params"]);
  const { ls_provider: provider, ls_model_name: name } = fieldsOf(metadata);
  return {
    provider: text(provider) ?? "unknown",
    model: text(name) ?? text(invocation["model"]) ?? text(invocation["model_name"]) ?? "unknown",
  };
}

/** Usage of LangChain's `LLMResult`: that of a message for chat models, of `llmOutput` for those of text. */
export function usageIn(result: unknown): LlmUsage | null {
  const { generations, llmOutput } = fieldsOf(result);
  for (const generation of listOf(generations).flatMap(listOf)) {
    const usage = usageOf(fieldsOf(generation)["message"]);
    if (usage !== null) return usage;
  }
  const { tokenUsage, model_name: model } = fieldsOf(llmOutput);
  const { promptTokens, completionTokens } = fieldsOf(tokenUsage);
  if (typeof promptTokens !== "number" && typeof completionTokens !== "number") return null;
  return { inputTokens: count(promptTokens), outputTokens: count(completionTokens), responseModel: text(model) };
}

/** The name of a tool, a retriever or a chain: as the application gave it, else the class's. */
export function nameIn(serialized: unknown, given: unknown): string | undefined {
  const { id, name } = fieldsOf(serialized);
  return text(given) ?? text(name) ?? text(listOf(id).at(-1));
}

/** The status that the provider answered with, as clients keep it in their errors. */
export function errorTypeIn(error: unknown): string | undefined {
  const { status } = fieldsOf(error);
  return typeof status === "number" && status >= 400 ? String(status) : undefined;
}

/** The caller gave up, which is no failure. */
export function isAbort(error: unknown): boolean {
  const { name, message } = fieldsOf(error);
  // LangChain's own are told from others by their message alone.
  return name === "AbortError" || name === "APIUserAbortError" || message === "AbortError" || message === "Aborted";
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
