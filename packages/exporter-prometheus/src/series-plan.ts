import { plainBytes } from "./byte-writer.ts";
import type { LabelWriter } from "./labels.ts";

/** A family's series as far as they do not change from scrape to scrape: their labels, as bytes, and which point is whose. */
export interface SeriesPlan {
  /** The attributes of each member's points, as they came. */
  readonly sources: readonly (readonly unknown[])[];
  /** The labels of all series, one after the other. */
  readonly labels: Uint8Array;
  /** Where the labels of each series end. */
  readonly ends: Uint32Array;
  /** The series of each point, all members' in a row; undefined where each point is a series of its own. */
  readonly seriesOf: Uint32Array | undefined;
  /** Whether no attributes can change, so that the plan holds as long as the same objects come. */
  readonly isLasting: boolean;
}

/** The points of one metric, with what is written beside its attributes: labels of the scope. */
export interface PlannedMember {
  readonly points: readonly { readonly attributes: unknown }[];
  readonly scopeLabels: string;
}

export interface PlanOptions {
  readonly writeLabels: LabelWriter;
  readonly separator: string;
  readonly encoding: "utf8" | "latin1";
}

/** Whether the plan holds for these points: the same attribute objects in the same order. */
export function planHolds(plan: SeriesPlan, members: readonly PlannedMember[]): boolean {
  const { sources } = plan;
  if (sources.length !== members.length) return false;
  for (let member = 0; member < members.length; member++) {
    const source = sources[member]!;
    const { points } = members[member]!;
    if (source.length !== points.length) return false;
    for (let place = 0; place < source.length; place++) if (source[place] !== points[place]!.attributes) return false;
  }
  return true;
}

/** Makes a plan in steps. What an earlier plan knows of the same attribute objects is taken over. */
export function* planSeries(
  members: readonly PlannedMember[],
  previous: SeriesPlan | undefined,
  options: PlanOptions,
): Generator<void, SeriesPlan> {
  // One attribute object may stand in two scopes, with other labels in each.
  const isKnown = previous !== undefined && members.every(({ scopeLabels }) => scopeLabels === "");
  const known = isKnown ? yield* textsOf(previous) : new Map<unknown, string>();
  const series = new Map<string, number>();
  const total = members.reduce((sum, { points }) => sum + points.length, 0);
  const seriesOf = new Uint32Array(total);
  let isLasting = true;
  let size = 0;
  let place = 0;
  for (const { points, scopeLabels } of members) {
    for (const { attributes } of points) {
      let text = known.get(attributes);
      if (text === undefined) {
        text = asBytes(join(options.writeLabels(attributes), scopeLabels, options.separator), options.encoding);
        isLasting &&= cannotChange(attributes);
      }
      let own = series.get(text);
      if (own === undefined) {
        series.set(text, (own = series.size));
        size += text.length;
      }
      seriesOf[place++] = own;
      if (place % stepSize === 0) yield;
    }
  }
  const labels = Buffer.allocUnsafeSlow(size);
  const ends = new Uint32Array(series.size);
  let at = 0;
  let index = 0;
  for (const text of series.keys()) {
    at += labels.write(text, at, "latin1");
    ends[index++] = at;
    if (index % stepSize === 0) yield;
  }
  return {
    sources: members.map(({ points }) => points.map(({ attributes }) => attributes)),
    labels: plainBytes(labels),
    ends,
    seriesOf: series.size === total ? undefined : seriesOf,
    isLasting,
  };
}

/** What keeping the plan takes, in bytes, besides the objects that the meter provider keeps anyway. */
export function bytesOf({ labels, ends, sources, seriesOf }: SeriesPlan): number {
  const pointers = sources.reduce((sum, source) => sum + source.length * 8, 0);
  return labels.byteLength + ends.byteLength + (seriesOf?.byteLength ?? 0) + pointers;
}

const stepSize = 512;

/** The label bytes of each attribute object, as text of one character for a byte. */
function* textsOf({ sources, labels, ends, seriesOf }: SeriesPlan): Generator<void, Map<unknown, string>> {
  const buffer = Buffer.from(labels.buffer, labels.byteOffset, labels.byteLength);
  const texts = new Map<unknown, string>();
  let place = 0;
  for (const source of sources) {
    for (const attributes of source) {
      const own = seriesOf === undefined ? place : seriesOf[place]!;
      texts.set(attributes, buffer.toString("latin1", own === 0 ? 0 : ends[own - 1], ends[own]));
      if (++place % stepSize === 0) yield;
    }
  }
  return texts;
}

/** Frozen, with values that cannot be changed: as our own meter provider hands them out. The official one passes on what it was given. */
function cannotChange(attributes: unknown): boolean {
  if (typeof attributes !== "object" || attributes === null) return true;
  try {
    const isPlain = Object.getPrototypeOf(attributes) === Object.prototype && Object.isFrozen(attributes);
    return isPlain && Object.keys(attributes).every((key) => isFixed(attributes, key));
  } catch {
    return false;
  }
}

function isFixed(attributes: object, key: string): boolean {
  const descriptor = Object.getOwnPropertyDescriptor(attributes, key);
  if (descriptor === undefined || !("value" in descriptor)) return false;
  const value: unknown = descriptor.value;
  if (isPrimitive(value)) return true;
  return Array.isArray(value) && Object.isFrozen(value) && value.every(isPrimitive);
}

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== "object" && typeof value !== "function");
}

function asBytes(text: string, encoding: "utf8" | "latin1"): string {
  return encoding === "latin1" || isAscii(text) ? text : Buffer.from(text).toString("latin1");
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text);
}

function join(left: string, right: string, separator: string): string {
  return left === "" ? right : right === "" ? left : left + separator + right;
}
