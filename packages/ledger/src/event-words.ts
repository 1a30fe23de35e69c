import type { CostStatus, UsageSource } from "@meterbridge/core";
import type { UsageKind } from "./ledger-row.ts";

/** The closed vocabularies of an event, as core's types give them: the compiler holds them to being complete. */
export const usageKinds: readonly UsageKind[] = wordsOf<UsageKind>({ llm_call: true, task: true, tool_call: true });
export const costStatuses: readonly CostStatus[] = wordsOf<CostStatus>({
  priced: true,
  provider: true,
  estimated: true,
  unpriced: true,
  none: true,
});
export const usageSources: readonly UsageSource[] = wordsOf<UsageSource>({
  provider: true,
  partial: true,
  estimated: true,
  none: true,
});

function wordsOf<Word extends string>(words: Readonly<Record<Word, true>>): readonly Word[] {
  return Object.keys(words) as Word[];
}
