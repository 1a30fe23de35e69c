import type { Attributes } from "@opentelemetry/api";
import type { CoreState } from "./core-state.ts";
import { makeCell, type Cell, type CellOfSeries } from "./cell.ts";
import type { Recording } from "./instrument.ts";
import { labelValue, ownText, publicValue, type LabelValue } from "./label-value.ts";
import { isOptional, kindOf, type AttributeKind, type MeterDefinition } from "./meter-definition.ts";
import { splitSeriesLimit, type SeriesBudget } from "./series-budget.ts";
import { createSeriesTree, type Leaf } from "./series-tree.ts";
import { other, type RefusalReason } from "./vocabulary.ts";

/** One meter of a family, with the attributes it always carries. */
export interface FamilyMember {
  readonly meter: MeterDefinition;
  readonly constant?: Attributes;
}

/** The cells of one series, by member: `series.duration(1.2)` adds or records. */
export type Series<Name extends string> = Leaf & {
  readonly cells: Readonly<Record<Name, Cell>>;
  /** What the cells record into, for what has checked its values itself. */
  readonly recordings: Readonly<Record<Name, Recording>>;
};

/**
 * Meters that share attributes: one lookup finds the series, then each cell is a plain call. The family keeps the series
 * limit: what goes beyond it is recorded under `other`, so that sums stay exact.
 */
export interface Family<Name extends string> {
  /**
   * The series for these attribute values, in the order of the meter's attributes, and for the attribution labels (default:
   * those of the active context; a recorder of several families looks them up once, and never keeps them for later: which
   * labels there are may be configured anew).
   */
  series(values: readonly unknown[], labels?: readonly LabelValue[]): Series<Name>;
  /** The series that is there under these very values, if it is: nothing is admitted, refused or marked as used. */
  known(values: readonly unknown[], labels: readonly LabelValue[]): Series<Name> | undefined;
}

export interface FamilyOptions<Name extends string> {
  readonly members: Readonly<Record<Name, FamilyMember>>;
  /** Whether the attribution's labels are added. */
  readonly attribution?: boolean;
  /** Called before the series that nobody asked for since the last time are forgotten. */
  readonly forgetting?: () => void;
}

export function createFamily<Name extends string>(state: CoreState, options: FamilyOptions<Name>): Family<Name> {
  const names = Object.keys(options.members) as Name[];
  const members = names.map((name) => options.members[name]);
  const first = members[0]!;
  const keys = variableKeys(first);
  const kinds = keys.map((key) => kindOf(first.meter.attributes[key]!));
  // A meter can be several members, told apart by constant attributes: each lookup then makes as many series of it.
  const seriesPerLookup = Math.max(
    ...members.map(({ meter }) => members.filter((each) => each.meter.name === meter.name).length),
  );
  const withLabels = options.attribution ?? true;
  const evictable = members.every(({ meter }) => meter.instrument !== "upDownCounter");
  const tree = createSeriesTree<Series<Name>>();
  const idle = makeSeries(null);
  let generation = -1;
  let limit = 0;
  let budget: SeriesBudget;
  let lastSweep = 0;
  let warned = false;

  function series(values: readonly unknown[], given?: readonly LabelValue[]): Series<Name> {
    const now = state.binding.generation();
    if (now !== generation) rebind(now);
    const labels = withLabels ? (given ?? state.attribution.labels()) : noLabels;
    const found = tree.find(values, labels) ?? (state.binding.isBound() ? admit(values, labels) : idle);
    found.used = true;
    return found;
  }

  function rebind(now: number): void {
    generation = now;
    tree.clear();
    limit = state.seriesLimit(...members.map(({ meter }) => meter.name));
    const labelled = withLabels ? 2 ** state.settings().attributionLabels.length : 1;
    budget = splitSeriesLimit(Math.floor(limit / seriesPerLookup), closedCombinations(first.meter, keys) * labelled);
    lastSweep = Date.now();
  }

  function admit(values: readonly unknown[], givenLabels: readonly LabelValue[]): Series<Name> {
    const meterName = first.meter.name;
    const refuse = (reason: RefusalReason): void => state.refuse(meterName, reason);
    const clean = keys.map((_, index) => publicValue(labelValue(values[index], kinds[index]!, refuse), refuse));
    const labels = givenLabels.map((label) => publicValue(label, refuse));
    const exact = tree.find(clean, labels);
    if (exact) return exact;
    if (tree.size >= budget.exact) forgetStale();
    if (tree.size < budget.exact) return add(clean, labels);

    const unattributed = labels.map(toOther);
    const closed = clean.map((value, index) => (typeof kinds[index] === "object" ? value : toOther(value)));
    const coarser =
      findOrAdd(clean, unattributed, budget.withoutAttribution) ??
      findOrAdd(closed, unattributed, budget.closedOnly) ??
      findOrAdd(
        keys.map(() => other),
        labels.map(() => other),
        Infinity,
      )!;
    // What has no tenant to lose may have found its own series among the coarser ones.
    if (tree.find(clean, labels) !== coarser) {
      state.seriesDropped(meterName);
      warnOnce();
    }
    return coarser;
  }

  function findOrAdd(values: LabelValue[], labels: LabelValue[], room: number): Series<Name> | undefined {
    return tree.find(values, labels) ?? (tree.size < room ? add(values, labels) : undefined);
  }

  function add(givenValues: readonly LabelValue[], givenLabels: readonly LabelValue[]): Series<Name> {
    const values = givenValues.map(ownText);
    const labels = givenLabels.map(ownText);
    const attributes: Attributes = {};
    keys.forEach((key, index) => {
      if (values[index] !== undefined) attributes[key] = values[index];
    });
    if (withLabels) {
      state.settings().attributionLabels.forEach((label, index) => {
        if (labels[index] !== undefined) attributes[label] = labels[index];
      });
    }
    const made = makeSeries(attributes);
    tree.insert([...values, ...labels], made);
    return made;
  }

  function makeSeries(attributes: Attributes | null): Series<Name> {
    const made = members.map((member) => makeCell(state, member, attributes));
    const byName = <Kept>(of: (cell: CellOfSeries) => Kept): Record<Name, Kept> =>
      Object.fromEntries(names.map((name, index) => [name, of(made[index]!)])) as Record<Name, Kept>;
    return {
      used: true,
      cells: byName(({ cell }) => cell),
      recordings: byName(({ recording }) => recording),
      end: () => made.forEach(({ recording }) => recording.end()),
    };
  }

  function forgetStale(): void {
    if (!evictable || !state.binding.canForget()) return;
    const now = Date.now();
    if (now - lastSweep < state.settings().staleAfterSeconds * 1000) return;
    lastSweep = now;
    options.forgetting?.();
    tree.sweep();
  }

  function warnOnce(): void {
    if (warned) return;
    warned = true;
    state.warn(
      `meter ${first.meter.name} reached its limit of ${limit} series: further ones are ` +
        `counted under "${other}", sums stay exact; raise seriesLimits["${first.meter.name}"] or give it fewer values`,
    );
  }

  return { series, known: (values, labels) => tree.find(values, labels) };
}

const noLabels: readonly LabelValue[] = [];

function variableKeys(member: FamilyMember): string[] {
  return Object.keys(member.meter.attributes).filter((key) => !(key in (member.constant ?? {})));
}

function toOther(value: LabelValue): LabelValue {
  return value === undefined ? undefined : other;
}

/** How many series the closed attributes make when all open ones are `other` or absent. */
function closedCombinations(meter: MeterDefinition, keys: readonly string[]): number {
  let combinations = 1;
  for (const key of keys) {
    const rule = meter.attributes[key]!;
    const kind: AttributeKind = kindOf(rule);
    if (typeof kind === "object") combinations *= kind.length + 1;
    else if (isOptional(rule)) combinations *= 2;
  }
  return combinations;
}
