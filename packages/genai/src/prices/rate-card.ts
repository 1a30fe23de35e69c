import type { Decimal } from "./exact-decimal.ts";

/** What tokens are charged by. The first two stand in for what a card does not tell apart: cached input is input, reasoning is output. */
export const tokenKinds = [
  "input",
  "output",
  "cacheRead",
  "cacheWrite",
  "cacheWriteHour",
  "reasoning",
  "inputAudio",
  "inputImage",
  "inputVideo",
  "cacheReadAudio",
  "cacheReadImage",
  "cacheReadVideo",
  "outputAudio",
  "outputImage",
  "outputVideo",
] as const;
export type TokenKind = (typeof tokenKinds)[number];

/** USD per million tokens. */
export type TokenRates = Readonly<Partial<Record<TokenKind, Decimal>>>;

/** What a model costs at one time in one service tier. */
export interface RateCard {
  /** By the length of the input, shortest first. The whole call is charged by the last band that it reaches. */
  readonly bands: readonly RateBand[];
  /** USD. */
  readonly perRequest?: Decimal | undefined;
  /** USD. */
  readonly perWebSearch?: Decimal | undefined;
}

export interface RateBand {
  /** Holds for calls with more input tokens than this; the first is -1. */
  readonly above: number;
  readonly tokens: TokenRates;
}

/** Times the card's rates of tokens, as a fraction. Requests and searches cost the same in every tier. */
export interface TierFactor {
  readonly numerator: number;
  readonly denominator: number;
  /** The factor is known for the first band alone. */
  readonly isShortContextOnly?: boolean;
  /** What is read from a cache costs what it costs in the standard tier, where it has a rate of its own. */
  readonly leavesCacheReads?: boolean;
}

export const standardFactor: TierFactor = { numerator: 1, denominator: 1 };
