import { json, type Answer } from "../mountable.ts";

/** What a refusal says, as JSON under `error`. */
export interface UsageApiProblem {
  /** The parameter that is wrong, where it is one. */
  readonly parameter?: string;
  /** What is wrong, and what to do. */
  readonly message: string;
  /** What the parameter may be, or what there is instead. */
  readonly allowed?: string | readonly string[];
}

/** An answer that ends the work on a request: thrown, so that no step after it can go on by mistake. */
export interface Refusal extends Error {
  readonly [brand]: Answer;
}

export function refusal(
  status: number,
  problem: UsageApiProblem,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  return Object.assign(new Error(problem.message), { [brand]: json(status, { error: problem }, headers) });
}

/** A parameter that is wrong: 400. */
export function wrongParameter(parameter: string, message: string, allowed: string | readonly string[]): Refusal {
  return refusal(400, { parameter, message, allowed });
}

/** The answer that a refusal carries; undefined for any other error. */
export function refusedWith(error: unknown): Answer | undefined {
  return error instanceof Error ? (error as Partial<Refusal>)[brand] : undefined;
}

const brand: unique symbol = Symbol("refusal");
