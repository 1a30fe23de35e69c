import { type HrTime, ValueType } from "@opentelemetry/api";
import { writeAttributes } from "./attribute-bytes.ts";
import { setTime, setInteger } from "./byte-writer.ts";
import { createPointBytes, type PointBytes } from "./point-bytes.ts";

/** The points of a counter or gauge: `NumberDataPoint` (opentelemetry-proto, metrics/v1/metrics.proto). */
export function createNumberPoints(valueType: ValueType): PointBytes<number> {
  const isInteger = valueType === ValueType.INT;
  return createPointBytes<number>({
    write(writer, { attributes, startTime, endTime, value }) {
      const at = writer.length;
      writer.fixed64(0x11, 0, 0);
      writer.fixed64(0x19, 0, 0);
      // as_int is field 6, as_double field 4.
      writer.fixed64(isInteger ? 0x31 : 0x21, 0, 0);
      set(writer.view, at, startTime, endTime, value);
      writeAttributes(writer, 0x3a, attributes);
    },
    patch(view, start, { startTime, endTime, value }) {
      set(view, start, startTime, endTime, value);
      return true;
    },
  });

  function set(view: DataView, at: number, startTime: HrTime, endTime: HrTime, value: number): void {
    setTime(view, at + 1, startTime);
    setTime(view, at + 10, endTime);
    if (isInteger) setInteger(view, at + 19, value);
    else view.setFloat64(at + 19, value, true);
  }
}
