import type { PricedCall, TokensByModality } from "@meterbridge/core";
import type { TokenKind, TokenRates } from "./rate-card.ts";

/**
 * Says how the tokens of a call are spread over the kinds that these rates tell apart, in the order of `tokenKinds`, each token in one.
 * A token of a kind without a rate of its own stays with the kind it is part of.
 *
 * @throws RangeError for a call whose parts are more than the whole, or whose counts are none: it has no price.
 */
export function tokenSplitter(rates: TokenRates): (call: PricedCall) => number[] {
  const has = (kind: TokenKind): boolean => rates[kind] !== undefined;
  const [hasRead, hasReasoning] = [has("cacheRead"), has("reasoning")];
  const hasWrite = has("cacheWrite") || has("cacheWriteHour");
  const isSplitIn = has("inputAudio") || has("inputImage") || has("inputVideo");
  const isSplitOut = has("outputAudio") || has("outputImage") || has("outputVideo");
  const ownIn = { audio: has("inputAudio"), image: has("inputImage"), video: has("inputVideo") };
  const ownOut = { audio: has("outputAudio"), image: has("outputImage"), video: has("outputVideo") };

  return (call) => {
    const read = hasRead ? count(call.cacheReadTokens, "cacheReadTokens") : 0;
    const written = hasWrite ? count(call.cacheWriteTokens, "cacheWriteTokens") : 0;
    // Where writing costs anything at all, an hour costs more: without its rate those tokens are of unknown price.
    const hour = hasWrite ? count(call.cacheWriteHourTokens ?? 0, "cacheWriteHourTokens") : 0;
    const reasoning = hasReasoning ? count(call.reasoningTokens, "reasoningTokens") : 0;
    const input = count(call.inputTokens, "inputTokens") - read - written;
    const output = count(call.outputTokens, "outputTokens") - reasoning;
    const split = [input, output, read, written - hour, hour, reasoning, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    if (input < 0) throw exceeds(hasWrite ? "cacheReadTokens and cacheWriteTokens" : "cacheReadTokens", "inputTokens");
    if (hour > written) throw exceeds("cacheWriteHourTokens", "cacheWriteTokens");
    if (output < 0) throw exceeds("reasoningTokens", "outputTokens");
    if (isSplitIn && isTold(call.inputByModality)) splitInput(split, call, ownIn, hasRead);
    if (isSplitOut && isTold(call.outputByModality)) splitOutput(split, call.outputByModality, ownOut);
    return split;
  };
}

function isTold(tokens: TokensByModality | null | undefined): tokens is TokensByModality {
  return tokens !== undefined && tokens !== null;
}

type Own = Readonly<Record<(typeof modalities)[number], boolean>>;

function splitInput(split: number[], call: PricedCall, own: Own, hasRead: boolean): void {
  const cached = hasRead ? (call.cacheReadByModality ?? undefined) : {};
  for (const [index, modality] of modalities.entries()) {
    if (!own[modality]) continue;
    const tokens = count(call.inputByModality?.[modality] ?? 0, `inputByModality.${modality}`);
    // A provider that does not say what it had cached is taken to have cached text, as far as there is any.
    const text = at(split, 0);
    const read =
      cached === undefined
        ? Math.min(at(split, 2), Math.max(0, tokens - text))
        : count(cached[modality] ?? 0, `cacheReadByModality.${modality}`);
    move(split, 0, 6 + index, tokens - read);
    move(split, 2, 9 + index, read);
  }
  if (split.some((tokens) => tokens < 0)) throw exceeds("inputByModality and cacheReadByModality", "inputTokens");
}

function splitOutput(split: number[], tokens: TokensByModality, own: Own): void {
  for (const [index, modality] of modalities.entries()) {
    if (own[modality]) move(split, 1, 12 + index, count(tokens[modality] ?? 0, `outputByModality.${modality}`));
  }
  if (at(split, 1) < 0) throw exceeds("outputByModality", "outputTokens");
}

function move(split: number[], from: number, to: number, tokens: number): void {
  split[from] = at(split, from) - tokens;
  split[to] = tokens;
}

function at(split: readonly number[], index: number): number {
  return split[index] ?? 0;
}

const modalities = ["audio", "image", "video"] as const;

/** The number itself, where it can be a count. */
export function count(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`${name} must be a whole number of at least 0`);
}

function exceeds(parts: string, whole: string): RangeError {
  return new RangeError(`${parts} exceed ${whole}`);
}
