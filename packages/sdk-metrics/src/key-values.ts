import { widerCapacity } from "./wider.ts";

/** The values seen under one attribute key, each with a small integer; the first has 0. */
export interface KeyValues {
  readonly ids: Map<unknown, number>;
  /** Lists are known by their text, apart from the texts that are values themselves. */
  readonly lists: Map<string, number>;
  /** How many series have the value with this integer. */
  uses: Int32Array;
  /** How many integers were given out; those in `free` may be given again. */
  given: number;
  readonly free: number[];
  /** What the integer is multiplied by in a hash: odd, and another for each key. */
  readonly multiplier: number;
  /** Where the integer's bits are in the position that several keys' integers make together. */
  shift: number;
  /** How many bits it may take there. */
  bits: number;
}

export function createKeyValues(key: number): KeyValues {
  const multiplier = Math.imul(key + 1, 0x9e37_79b2) | 1;
  return {
    ids: new Map(),
    lists: new Map(),
    uses: new Int32Array(4),
    given: 0,
    free: [],
    multiplier,
    shift: 0,
    bits: 0,
  };
}

export function idOf(values: KeyValues, value: unknown): number | undefined {
  return Array.isArray(value) ? values.lists.get(JSON.stringify(value)) : values.ids.get(value);
}

/** The value's integer, for one series more. */
export function useValue(values: KeyValues, value: unknown): number {
  let id = idOf(values, value);
  if (id === undefined) {
    id = values.free.pop() ?? values.given++;
    if (id >= values.uses.length) {
      const wider = new Int32Array(widerCapacity(values.uses.length, id + 1));
      wider.set(values.uses);
      values.uses = wider;
    }
    if (Array.isArray(value)) values.lists.set(JSON.stringify(value), id);
    else values.ids.set(value, id);
  }
  values.uses[id]!++;
  return id;
}

/** Forgets the value with the last series that has it. */
export function releaseValue(values: KeyValues, value: unknown, id: number): void {
  if (--values.uses[id]! > 0) return;
  if (Array.isArray(value)) values.lists.delete(JSON.stringify(value));
  else values.ids.delete(value);
  values.free.push(id);
}

/** Whether the key has had one value only, so that it need not be looked up. */
export function isConstant({ ids, given }: KeyValues): boolean {
  return ids.size === 1 && given === 1;
}
