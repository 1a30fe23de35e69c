import type { Modality, TokensByModality } from "./llm-call.ts";

/** An object of unknown shape. */
export type Fields = Readonly<Record<string, unknown>>;

/** The value as an object to look into; an empty one for anything else. */
export function fieldsOf(value: unknown): Fields {
  return isObject(value) ? value : noFields;
}

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

/** A number as it was told. Whether it can be trusted is decided where it is counted. */
export function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** A short text: a model's name, a tier. Whatever else stands there is not taken. */
export function word(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= 255 ? value : undefined;
}

/** The sum of what was told; undefined when nothing was. */
export function sum(...values: readonly (number | undefined)[]): number | undefined {
  let total: number | undefined;
  for (const value of values) if (value !== undefined) total = (total ?? 0) + value;
  return total;
}

/** The sum over a list, however long a hostile answer makes it. */
export function sumOf(list: readonly unknown[], countOf: (item: unknown) => number | undefined): number | undefined {
  let total: number | undefined;
  for (const item of list) total = sum(total, countOf(item));
  return total;
}

/** Tokens by modality without those that are 0; undefined when none is left. */
export function byModality(tokens: Readonly<Record<Modality, unknown>>): TokensByModality | undefined {
  let modal: Partial<Record<Modality, number>> | undefined;
  for (const modality of modalities) {
    const count = number(tokens[modality]);
    if (count !== undefined && count !== 0) (modal ??= {})[modality] = count;
  }
  return modal;
}

/** What was told later goes over what was told before; what is null then was not told again. */
export function toldSince(before: Fields, later: Fields): Fields {
  const merged: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(later)) if (value !== null && value !== undefined) merged[name] = value;
  return merged;
}

/** Some providers leave the reasoning out of their output: then their own total tells so. */
export function withReasoning(
  input: number | undefined,
  output: number | undefined,
  reasoning: number | undefined,
  total: unknown,
): number | undefined {
  if (output === undefined || reasoning === undefined || reasoning === 0) return output;
  return total === (input ?? 0) + output + reasoning ? output + reasoning : output;
}

const noFields: Fields = Object.freeze({});
const modalities: readonly Modality[] = ["text", "image", "audio", "video"];
