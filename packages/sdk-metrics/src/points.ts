import type { HrTime } from "@opentelemetry/api";
import type { DataPoint } from "@opentelemetry/sdk-metrics";
import type { DataPointWithExemplars, Exemplar } from "./exemplars.ts";
import { toHrTime } from "./hr-time.ts";
import type { RowKind } from "./row-kind.ts";
import type { SeriesSlots } from "./series-slots.ts";

export interface PointsOptions {
  readonly kind: RowKind;
  readonly slots: SeriesSlots;
  readonly rows: Float64Array;
  /** Milliseconds since 1970, the end of all points. */
  readonly now: number;
  /** No point begins before it. */
  readonly notBefore: number;
  /** Whether rows are emptied once read. */
  readonly clear: boolean;
  /** Told of a sum that passed the largest number. */
  readonly tooLarge: () => void;
  /** What goes with the point of a series. Undefined where there are to be none. */
  readonly exemplarsOf: ((slot: number) => readonly Exemplar[]) | undefined;
}

/**
 * A point for each row that was recorded into. Points and values are new objects at each collection, because a reader may keep
 * them as long as it likes; what they share is never changed: attributes, boundaries, times.
 */
export function readPoints(options: PointsOptions): DataPoint<unknown>[] {
  const { kind, slots, rows, now, notBefore, clear, tooLarge, exemplarsOf } = options;
  const { stride } = kind;
  const { attributes, started } = slots;
  const endTime = toHrTime(now);
  const points: DataPoint<unknown>[] = [];
  let startTime: HrTime = endTime;
  let startMillis = now;
  const end = Math.min(attributes.length, rows.length / stride);
  for (let slot = 0, at = 0; slot < end; slot++, at += stride) {
    if (rows[at] === 0) continue;
    // After the clock was put back the series began now, once: a begin that moved on with each collection would tell a reset.
    if (started[slot]! > now) started[slot] = now;
    const begin = Math.min(Math.max(started[slot]!, notBefore), now);
    if (begin !== startMillis) startTime = toHrTime((startMillis = begin));
    const point = { attributes: attributes[slot]!, startTime, endTime, value: kind.read(rows, at, tooLarge) };
    const exemplars = exemplarsOf === undefined ? none : exemplarsOf(slot);
    points.push(exemplars.length === 0 ? point : withExemplars(point, exemplars));
    if (clear) kind.clear(rows, at);
  }
  return points;
}

const none: readonly Exemplar[] = [];

function withExemplars<Value>(point: DataPoint<Value>, exemplars: readonly Exemplar[]): DataPointWithExemplars<Value> {
  return { ...point, exemplars };
}
