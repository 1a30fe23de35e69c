import { catalogue, describeMeters } from "@meterbridge/core";
import type { MeterPoint, MeterReading } from "../running-sdk.ts";
import type { EndedAnswer, SinceAnswer } from "./answers.ts";

/** The points of the catalogue's meters, whatever namespace they are registered under, of one tenant or of all. */
export interface LivePoints {
  /** Those of a meter, by its name in the catalogue. */
  of(meter: string): readonly MeterPoint[];
  /** Those of a meter by the value of one of its attributes; null where a point does not have it. */
  by(meter: string, attribute: string): ReadonlyMap<string | null, readonly MeterPoint[]>;
}

/**
 * The one place that decides which points a tenant may see: those that carry its name. Points without a tenant are of all, and
 * `other` is what core writes where a label had too many values: a tenant of that name would see what belongs to many.
 */
export function livePoints(readings: readonly MeterReading[], tenant: string | undefined): LivePoints {
  const registered = registeredNames();
  const byName = new Map<string, MeterPoint[]>();
  for (const { name, points } of readings) byName.set(name, [...(byName.get(name) ?? []), ...points]);
  const of = (meter: string): readonly MeterPoint[] => {
    const points = byName.get(registered.get(meter) ?? meter) ?? [];
    return tenant === undefined ? points : points.filter(({ attributes }) => isOf(attributes["tenant"], tenant));
  };
  return {
    of,
    by(meter, attribute) {
      return Map.groupBy(of(meter), ({ attributes }) => textOf(attributes[attribute]));
    },
  };
}

/** The value of a point's attribute as a text. */
export function textOf(value: unknown): string | null {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.join(",");
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" ? String(value) : null;
}

export function sumOf(points: readonly MeterPoint[] | undefined): number {
  return (points ?? []).reduce((sum, { value }) => sum + value, 0);
}

export function countOf(points: readonly MeterPoint[] | undefined): number {
  return (points ?? []).reduce((sum, { count = 0 }) => sum + count, 0);
}

/** Null where nothing was recorded. */
export function averageOf(points: readonly MeterPoint[] | undefined): number | null {
  const count = countOf(points);
  return count === 0 ? null : sumOf(points) / count;
}

/** When the process began, and with it every sum of a meter. */
export function since(): SinceAnswer {
  return { since: new Date(performance.timeOrigin).toISOString() };
}

/** Counts by the attribute `status`. What another status would be counts in the total alone. */
export function ended(points: readonly MeterPoint[] = []): EndedAnswer {
  return {
    completed: sumOf(having(points, "status", "completed")),
    failed: sumOf(having(points, "status", "failed")),
    cancelled: sumOf(having(points, "status", "cancelled")),
    total: sumOf(points),
  };
}

export function having(points: readonly MeterPoint[], attribute: string, value: string): readonly MeterPoint[] {
  return points.filter(({ attributes }) => textOf(attributes[attribute]) === value);
}

/** The namespace that the application's own meters carry, or `""`. */
export function namespaceOfMeters(): string {
  const name = "llm.cost";
  return (registeredNames().get(name) ?? name).slice(0, -name.length).replace(/\.$/, "");
}

/** The catalogue comes first among the meters described, in its order. */
function registeredNames(): ReadonlyMap<string, string> {
  const described = describeMeters();
  return new Map(catalogue.map(({ name }, index) => [name, described[index]?.name ?? name]));
}

function isOf(label: unknown, tenant: string): boolean {
  return tenant !== overflow && label === tenant;
}

const overflow = "other";
