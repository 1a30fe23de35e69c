import type { TokenKind } from "./rate-card.ts";

/** A decimal number, as a text or a number: `"1.25"`, `1.25`. */
export type DecimalInput = string | number;

/** A price of your own. What it names is exact or, with a `*` at its end, a beginning. */
export interface PriceOverride {
  /** As it is recorded: `openai`, `aws.bedrock`. */
  readonly provider: string;
  /** The model that answered or was asked for: `gpt-5`, `gpt-5*`. */
  readonly model: string;
  /** Holds for calls from this moment on: a date (UTC) or a time. */
  readonly from?: string | undefined;
  /** Holds for calls before this moment. */
  readonly until?: string | undefined;
  /**
   * The service tier that it is for: `flex`, `priority`, `batch`, …
   * @default "standard"
   */
  readonly tier?: string | undefined;
  /** USD per million tokens of a kind. What is not named costs what it is part of: cached input is input, reasoning is output. */
  readonly perMillionTokens?: Readonly<Partial<Record<TokenKind, DecimalInput>>> | undefined;
  /** USD per call. */
  readonly perRequest?: DecimalInput | undefined;
  /** USD per search of the web that the provider did. */
  readonly perWebSearch?: DecimalInput | undefined;
}

/** Prices of your own, which go before the price list. The first that fits a call counts. */
export interface PriceOverrides {
  /** For editors. */
  readonly $schema?: string | undefined;
  readonly prices: readonly PriceOverride[];
}
