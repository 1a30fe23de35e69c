import { catalogueMeter } from "./catalogue.ts";
import type { CoreState } from "./core-state.ts";
import { createFamily, type Family, type FamilyMember } from "./family.ts";
import { genAi } from "./semconv.ts";

/** The meters of a model call, by the attributes they share. */
export interface CallFamilies {
  /** By provider, operation, model, response model and error type. */
  readonly finished: Family<"inference" | "inputTokens" | "outputTokens" | "operation">;
  /** The same. By itself: each lookup makes two series of this meter, which halves the room that its limit leaves. */
  readonly oldTokens: Family<"input" | "output">;
  /** By provider, operation, model and response model. */
  readonly chunks: Family<"first" | "next" | "oldFirst" | "oldNext">;
  /** By provider, operation, model, response model and modality. */
  readonly used: Family<UsedName>;
  /** By provider, model, operation and status. */
  readonly requests: Family<"count">;
  /** By provider and model. */
  readonly business: Family<"cost" | "requestCost" | "unpriced" | "queue" | "context">;
}

export type UsedName = "input" | "output" | "cacheRead" | "cacheWrite" | "reasoning";

/** `forgetting` is called before one of them forgets series that were idle. */
export function createCallFamilies(state: CoreState, forgetting: () => void): CallFamilies {
  const member = (name: string): FamilyMember => ({ meter: catalogueMeter(name) });
  const tokenUsage = member("gen_ai.client.token.usage");
  const family = <Name extends string>(members: Readonly<Record<Name, FamilyMember>>): Family<Name> =>
    createFamily(state, { members, forgetting });
  return {
    finished: family({
      inference: member("gen_ai.client.inference.duration"),
      inputTokens: member("gen_ai.client.inference.operation.input_tokens"),
      outputTokens: member("gen_ai.client.inference.operation.output_tokens"),
      operation: member("gen_ai.client.operation.duration"),
    }),
    oldTokens: family({
      input: { ...tokenUsage, constant: { [genAi.tokenType]: "input" } },
      output: { ...tokenUsage, constant: { [genAi.tokenType]: "output" } },
    }),
    chunks: family({
      first: member("gen_ai.client.inference.time_to_first_chunk"),
      next: member("gen_ai.client.inference.time_per_output_chunk"),
      oldFirst: member("gen_ai.client.operation.time_to_first_chunk"),
      oldNext: member("gen_ai.client.operation.time_per_output_chunk"),
    }),
    used: family({
      input: member("gen_ai.client.inference.usage.input_tokens"),
      output: member("gen_ai.client.inference.usage.output_tokens"),
      cacheRead: member("gen_ai.client.inference.usage.cache_read.input_tokens"),
      cacheWrite: member("gen_ai.client.inference.usage.cache_write.input_tokens"),
      reasoning: member("gen_ai.client.inference.usage.reasoning.output_tokens"),
    }),
    requests: family({ count: member("llm.requests") }),
    business: family({
      cost: member("llm.cost"),
      requestCost: member("llm.request.cost"),
      unpriced: member("llm.unpriced"),
      queue: member("llm.queue.duration"),
      context: member("llm.context.size"),
    }),
  };
}
