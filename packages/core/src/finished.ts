import type { CoreState } from "./core-state.ts";
import { readFields } from "./reading.ts";
import type { Ending } from "./run.ts";
import type { RunStatus } from "./vocabulary.ts";

/** Something that has ended and was timed elsewhere. */
export interface Finished {
  readonly status: RunStatus;
  /** Seconds. */
  readonly duration: number;
  /** Low in cardinality: a status code, an error's class. */
  readonly errorType?: string | undefined;
}

/** Its ending, and its name from the field that holds it. */
export function readFinished<Given extends Finished>(
  state: CoreState,
  meterName: string,
  given: Given,
  nameOf: (given: Given) => string | undefined,
): { readonly name: string | undefined; readonly ending: Ending } {
  return readFields(state, meterName, given, (fields) => ({
    name: nameOf(fields),
    ending: { status: fields.status, seconds: fields.duration, errorType: fields.errorType },
  }));
}
