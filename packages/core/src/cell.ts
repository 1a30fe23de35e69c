import type { Attributes } from "@opentelemetry/api";
import type { CoreState } from "./core-state.ts";
import type { FamilyMember } from "./family.ts";
import type { Recording } from "./instrument.ts";

/** Adds to, or records into, one series of one meter. Values that would poison a sum are refused and counted. */
export type Cell = (value: number) => void;

/** The cell of a series, and what it records into, unchecked. */
export interface CellOfSeries {
  readonly cell: Cell;
  readonly recording: Recording;
}

/** Sums above this lose single units in a double. */
const largest = Number.MAX_SAFE_INTEGER;

/**
 * The cell of a series. Without attributes (no meter provider yet) values are only checked.
 * The provider gets one frozen attribute object per series, so that nothing the caller changes later can relabel it.
 */
export function makeCell(state: CoreState, member: FamilyMember, attributes: Attributes | null): CellOfSeries {
  const { meter, constant } = member;
  const smallest = meter.instrument === "upDownCounter" || meter.instrument === "gauge" ? -largest : 0;
  const recording =
    attributes === null ? nowhere : state.recording(meter, Object.freeze({ ...attributes, ...constant }));
  const { record } = recording;

  return {
    recording,
    cell(value) {
      if (typeof value === "number" && value >= smallest && value <= largest) record(value);
      else other(value);
    },
  };

  function other(value: unknown): void {
    if (typeof value === "bigint" && value >= BigInt(smallest) && value <= BigInt(largest)) record(Number(value));
    else if (typeof value !== "number" && typeof value !== "bigint") state.refuse(meter.name, "not_a_number");
    else if (typeof value === "number" && !Number.isFinite(value)) state.refuse(meter.name, "not_finite");
    else state.refuse(meter.name, value < smallest && smallest === 0 ? "negative" : "too_large");
  }
}

const nowhere: Recording = { record() {}, end() {} };
