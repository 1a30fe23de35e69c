import { calendarOf, type Calendar } from "./calendar.ts";
import type { LedgerStore } from "../ledger-store.ts";

/** What every query works with. */
export interface QuerySource {
  readonly store: LedgerStore;
  /** Unix milliseconds. */
  now(): number;
  /** The calendar of a time zone, or of the default one. */
  calendar(timeZone?: string): Promise<Calendar>;
}

export function querySource(store: LedgerStore, timeZone: string, now: () => number): QuerySource {
  return { store, now, calendar: (asked = timeZone) => calendarOf(asked) };
}

/** Takes what says which rows count, and leaves out what was not given: a store reads null as "not known". */
export function filterOf<const Name extends "tenant" | "project" | "employee">(
  parameters: { readonly [Each in Name]?: string | null },
  names: readonly Name[],
): { [Each in Name]?: string | null } {
  const filter: { [Each in Name]?: string | null } = {};
  for (const name of names) {
    if (parameters[name] !== undefined) filter[name] = parameters[name];
  }
  return filter;
}
