import type { Series } from "./family.ts";
import type { LlmCall, Modality, TokensByModality } from "./llm-call.ts";
import type { UsedName } from "./llm-families.ts";
import { countOf, type TokenCounts } from "./llm-tokens.ts";
import type { RefusalReason } from "./vocabulary.ts";

/** Whether the call's tokens have to be told apart by what they stand for. */
export function hasModalities({ inputByModality, outputByModality, cacheReadByModality }: LlmCall): boolean {
  return inputByModality !== undefined || outputByModality !== undefined || cacheReadByModality !== undefined;
}

/** What of a whole each modality has. What is not told is `unknown`, so that the parts always add up to the whole. */
export type Shares = readonly (readonly [modality: Modality | "unknown", tokens: number])[];

/** A part that is no count, or with which the parts were more than the whole, is refused: its tokens stay `unknown`. */
export function sharesOf(whole: number, parts: unknown, refuse: (reason: RefusalReason) => void): Shares {
  if (parts === undefined || parts === null) return [["unknown", whole]];
  const shares: [Modality | "unknown", number][] = [];
  let rest = whole;
  for (const modality of modalities) {
    const tokens = countOf(partOf(parts, modality), refuse);
    if (tokens === null) continue;
    if (tokens > rest) refuse("too_large");
    else {
      shares.push([modality, tokens]);
      rest -= tokens;
    }
  }
  if (rest > 0 || shares.length === 0) shares.push(["unknown", rest]);
  return shares;
}

const modalities: readonly Modality[] = ["text", "image", "audio", "video"];

/** Counts the call's tokens. Input and output are counted as 0 when there is no usage, as the convention asks; their parts only when known. */
export function addTokens(
  seriesOf: (modality: Modality | "unknown") => Series<UsedName>,
  call: LlmCall,
  tokens: TokenCounts,
  refuse: (reason: RefusalReason) => void,
): void {
  const { cells } = seriesOf("unknown");
  addShares("input", tokens.input ?? 0, call.inputByModality);
  addShares("output", tokens.output ?? 0, call.outputByModality);
  if (tokens.cacheRead !== null) addShares("cacheRead", tokens.cacheRead, call.cacheReadByModality);
  if (tokens.cacheWrite !== null) cells.cacheWrite(tokens.cacheWrite);
  if (tokens.reasoning !== null) cells.reasoning(tokens.reasoning);

  function addShares(name: UsedName, whole: number, parts: TokensByModality | undefined): void {
    if (parts === undefined) {
      cells[name](whole);
      return;
    }
    for (const [modality, share] of sharesOf(whole, parts, refuse)) seriesOf(modality).cells[name](share);
  }
}

function partOf(parts: unknown, modality: Modality): unknown {
  return typeof parts === "object" && parts !== null ? (parts as TokensByModality)[modality] : undefined;
}
