import { createKeyValues, isConstant, type KeyValues } from "./key-values.ts";
import type { SeriesIndex } from "./series-index.ts";
import type { SeriesTable } from "./series-table.ts";

/** One key on the way through an attribute object, after those before it in the caller's order. */
export interface Step {
  readonly key: string;
  readonly ids: Map<unknown, number>;
  readonly isConstant: boolean;
  readonly constant: unknown;
  readonly multiplier: number;
  readonly shift: number;
  first: Step | undefined;
  others: Map<string, Step> | undefined;
  table: SeriesTable | undefined;
  /** Where the table's n-th key is in the walk. Undefined when both have the same order. */
  order: readonly number[] | undefined;
}

/** More orders of keys than any program has; beyond it they are learnt anew. */
const mostSteps = 2000;

/** Leads the keys, in this order, to their table. */
export function teach(index: SeriesIndex, keys: readonly string[], table: SeriesTable): void {
  if (index.steps + keys.length > mostSteps) forgetSteps(index);
  let step = index.root;
  for (const key of keys) {
    let next = step.first?.key === key ? step.first : step.others?.get(key);
    if (next === undefined) {
      next = createStep(key, index.values.get(key)!);
      index.steps++;
      if (step.first === undefined) step.first = next;
      else (step.others ??= new Map()).set(key, next);
    }
    step = next;
  }
  if (step.table === table) return;
  step.table = table;
  const order = table.keys.map((key) => keys.indexOf(key));
  step.order = order.every((position, at) => position === at) ? undefined : order;
  if (index.scratch.length < keys.length) {
    index.scratch = new Int32Array(keys.length * 2);
    index.ordered = new Int32Array(keys.length * 2);
    index.layout++;
  }
}

export function forgetSteps(index: SeriesIndex): void {
  index.root = createStep("", createKeyValues(0));
  index.steps = 0;
  index.layout++;
  for (const [key, { ids, lists }] of index.values) if (ids.size + lists.size === 0) index.values.delete(key);
}

export function createStep(key: string, values: KeyValues): Step {
  const { ids, multiplier, shift } = values;
  const [constant] = isConstant(values) ? ids.keys() : [];
  return {
    key,
    ids,
    isConstant: isConstant(values),
    constant,
    multiplier,
    shift,
    first: undefined,
    others: undefined,
    table: undefined,
    order: undefined,
  };
}
