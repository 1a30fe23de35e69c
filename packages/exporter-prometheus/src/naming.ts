import type { EscapingScheme } from "./escape-names.ts";
import { prometheusWord } from "./prometheus-word.ts";

/**
 * How OpenTelemetry names become Prometheus names: whether characters outside `[a-zA-Z0-9_]` become `_`, and whether unit and type
 * are added to the name.
 *
 * Source: OpenTelemetry specification, metrics exporters, Prometheus, "Configuration" (`translation_strategy`).
 */
export type TranslationStrategy = (typeof translationStrategies)[number];

export const translationStrategies = [
  "UnderscoreEscapingWithSuffixes",
  "UnderscoreEscapingWithoutSuffixes",
  "NoUTF8EscapingWithSuffixes",
  "NoTranslation",
] as const;

/** What decides on names: the application's strategy, and what the scraper can read. */
export interface Naming {
  readonly strategy: TranslationStrategy;
  readonly escaping: EscapingScheme;
}

export const defaultNaming: Naming = { strategy: "UnderscoreEscapingWithSuffixes", escaping: "underscores" };

export function hasSuffixes({ strategy }: Naming): boolean {
  return strategy === "UnderscoreEscapingWithSuffixes" || strategy === "NoUTF8EscapingWithSuffixes";
}

/** Whether names become words of `[a-zA-Z0-9_]` whoever asks. */
export function isWordsOnly({ strategy }: Naming): boolean {
  return strategy === "UnderscoreEscapingWithSuffixes" || strategy === "UnderscoreEscapingWithoutSuffixes";
}

/** A name by the strategy alone, without suffixes. Never empty, well-formed, at most 255 UTF-16 units. */
export function translated(name: string, naming: Naming): string {
  if (isWordsOnly(naming)) return prometheusWord(name);
  const kept = name.slice(0, 255).toWellFormed();
  return kept === "" ? "_" : kept;
}
