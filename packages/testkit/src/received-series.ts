import type { Attributes } from "@opentelemetry/api";
import type { Reading } from "./exporter-harness.ts";

/** What a backend was told of one series. */
export interface ReceivedPoint {
  readonly name: string;
  readonly attributes: Attributes;
  readonly value: Reading;
  /** Whether the value comes on top of what was told before, or takes its place. */
  readonly isDelta: boolean;
  /** Of the meter, where it is told. */
  readonly unit?: string | undefined;
}

/** What a backend knows: each series by its name and attributes, whatever their order. */
export interface ReceivedSeries {
  take(points: readonly ReceivedPoint[]): void;
  read(name: string, attributes: Attributes): Reading | undefined;
  unitOf(name: string): string | undefined;
}

export function receivedSeries(): ReceivedSeries {
  const known = new Map<string, Reading>();
  const units = new Map<string, string>();
  return {
    take(points) {
      for (const { name, attributes, value, isDelta, unit } of points) {
        if (unit !== undefined) units.set(name, unit);
        const key = keyOf(name, attributes);
        const before = known.get(key);
        known.set(key, isDelta && before !== undefined ? sum(before, value) : value);
      }
    },
    read: (name, attributes) => known.get(keyOf(name, attributes)),
    unitOf: (name) => units.get(name),
  };
}

function keyOf(name: string, attributes: Attributes): string {
  const sorted = Object.entries(attributes).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify([name, sorted]);
}

function sum(left: Reading, right: Reading): Reading {
  if (typeof left === "number" && typeof right === "number") return left + right;
  if (typeof left === "number" || typeof right === "number") throw new Error("a number is told as a histogram");
  return { count: left.count + right.count, sum: left.sum + right.sum };
}
