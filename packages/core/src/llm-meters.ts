import { catalogueMeter } from "./catalogue.ts";
import type { CoreState } from "./core-state.ts";
import { createFamily, type Series } from "./family.ts";
import type { LlmCall } from "./llm-call.ts";
import type { CallCost } from "./llm-cost.ts";
import type { TokenCounts } from "./llm-tokens.ts";
import { genAi } from "./semconv.ts";
import type { RunStatus } from "./vocabulary.ts";

/** A call with its parts worked out. */
export interface MeasuredCall {
  readonly call: LlmCall;
  readonly operation: string;
  readonly status: RunStatus;
  readonly errorType: string | undefined;
  readonly tokens: TokenCounts;
  readonly cost: CallCost;
  readonly occurredAt: Date;
}

/** Operations whose duration the newest convention names `inference`; the others stay `operation`. */
const inference: ReadonlySet<string> = new Set(["chat", "generate_content", "text_completion"]);

/** Records a call in all meters of the area: both generations of the conventions as configured, and the business meters. */
export function createLlmMeters(state: CoreState): (measured: MeasuredCall) => void {
  const member = (name: string) => ({ meter: catalogueMeter(name) });
  const finished = createFamily(state, {
    members: {
      inference: member("gen_ai.client.inference.duration"),
      inputTokens: member("gen_ai.client.inference.operation.input_tokens"),
      outputTokens: member("gen_ai.client.inference.operation.output_tokens"),
      operation: member("gen_ai.client.operation.duration"),
    },
  });
  // By itself: each lookup makes two series of this meter, which halves the room that its limit leaves.
  const tokenUsage = member("gen_ai.client.token.usage");
  const oldTokens = createFamily(state, {
    members: {
      input: { ...tokenUsage, constant: { [genAi.tokenType]: "input" } },
      output: { ...tokenUsage, constant: { [genAi.tokenType]: "output" } },
    },
  });
  const chunks = createFamily(state, {
    members: {
      first: member("gen_ai.client.inference.time_to_first_chunk"),
      next: member("gen_ai.client.inference.time_per_output_chunk"),
      oldFirst: member("gen_ai.client.operation.time_to_first_chunk"),
      oldNext: member("gen_ai.client.operation.time_per_output_chunk"),
    },
  });
  const constant = { [genAi.modality]: "unknown" };
  const used = createFamily(state, {
    members: {
      input: { ...member("gen_ai.client.inference.usage.input_tokens"), constant },
      output: { ...member("gen_ai.client.inference.usage.output_tokens"), constant },
      cacheRead: { ...member("gen_ai.client.inference.usage.cache_read.input_tokens"), constant },
      cacheWrite: { ...member("gen_ai.client.inference.usage.cache_write.input_tokens"), constant },
      reasoning: { ...member("gen_ai.client.inference.usage.reasoning.output_tokens"), constant },
    },
  });
  const requests = createFamily(state, { members: { count: member("llm.requests") } });
  const business = createFamily(state, {
    members: {
      cost: member("llm.cost"),
      requestCost: member("llm.request.cost"),
      unpriced: member("llm.unpriced"),
      queue: member("llm.queue.duration"),
      context: member("llm.context.size"),
    },
  });

  return ({ call, operation, status, errorType, tokens, cost }) => {
    const { genaiSemconv } = state.settings();
    const latest = genaiSemconv !== "v1.41";
    const old = genaiSemconv !== "latest";
    const isInference = inference.has(operation);
    const labels = state.attribution.labels();
    const model = call.modelLabel ?? call.model;
    const target = [call.provider, operation, model, call.responseModel];

    // Written out: spreading an array costs more than a lookup in it.
    const ending = [call.provider, operation, model, call.responseModel, errorType];
    const { cells } = finished.series(ending, labels);
    if (call.duration !== undefined) {
      if (latest && isInference) cells.inference(call.duration);
      if (old || !isInference) cells.operation(call.duration);
    }
    if (tokens.input !== null && latest) cells.inputTokens(tokens.input);
    if (tokens.output !== null && latest) cells.outputTokens(tokens.output);
    if (old && (tokens.input !== null || tokens.output !== null)) {
      const { input, output } = oldTokens.series(ending, labels).cells;
      if (tokens.input !== null) input(tokens.input);
      if (tokens.output !== null) output(tokens.output);
    }
    if (latest) addTokens(used.series(target, labels), tokens);
    if (call.timeToFirstChunk !== undefined || call.timePerOutputChunk !== undefined) {
      recordChunks(chunks.series(target, labels), call, latest, old);
    }

    requests.series([call.provider, model, operation, status], labels).cells.count(1);
    const money = business.series([call.provider, model], labels).cells;
    if (cost.nanoUsd !== null) {
      const usd = Number(cost.nanoUsd) / 1e9;
      money.cost(usd);
      money.requestCost(usd);
    } else if (cost.status === "unpriced") money.unpriced(1);
    if (call.queueDuration !== undefined) money.queue(call.queueDuration);
    if (call.contextSize !== undefined) money.context(call.contextSize);
  };
}

/** Input and output are recorded as 0 when there is no usage, as the convention asks; their parts only when known. */
function addTokens(
  { cells }: Series<"input" | "output" | "cacheRead" | "cacheWrite" | "reasoning">,
  tokens: TokenCounts,
): void {
  cells.input(tokens.input ?? 0);
  cells.output(tokens.output ?? 0);
  if (tokens.cacheRead !== null) cells.cacheRead(tokens.cacheRead);
  if (tokens.cacheWrite !== null) cells.cacheWrite(tokens.cacheWrite);
  if (tokens.reasoning !== null) cells.reasoning(tokens.reasoning);
}

function recordChunks(
  { cells }: Series<"first" | "next" | "oldFirst" | "oldNext">,
  call: LlmCall,
  latest: boolean,
  old: boolean,
): void {
  if (call.timeToFirstChunk !== undefined) {
    if (latest) cells.first(call.timeToFirstChunk);
    if (old) cells.oldFirst(call.timeToFirstChunk);
  }
  const times: readonly (number | undefined)[] = Array.isArray(call.timePerOutputChunk)
    ? call.timePerOutputChunk
    : [call.timePerOutputChunk as number | undefined];
  for (const time of times) {
    if (time === undefined) continue;
    if (latest) cells.next(time);
    if (old) cells.oldNext(time);
  }
}
