import fc from "fast-check";
import type { MetricData } from "@opentelemetry/sdk-metrics";
import { counter, type Description, gauge, histogram, recorded, upDownCounter } from "./metric-data.ts";

const hostileText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom("a", ".", "_", "-", "1", '"', "\\", "\n", "\r", "\0", "{", "}", " ", ",", "=", "#", ":"),
  }),
  fc.string({ unit: fc.constantFrom("\ud800", "\udc00", "😀", "é", "\u2028", "\u202e", "a") }),
  fc.constantFrom(
    "",
    "le",
    "quantile",
    "__name__",
    "__proto__",
    "constructor",
    "exported_le",
    "a.b",
    "a_b",
    "a-b",
    "total",
  ),
  fc.constantFrom("x_total", "x_count", "x_sum", "x_bucket", "x_created", "x", "target", "target_info", "x_seconds"),
  fc.constant('"} 1\nevil_total{a="b'),
  fc.constant("long".repeat(2000)),
);
const hostileValue = fc.oneof(
  { weight: 3, arbitrary: hostileText },
  fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, withSparseArray: true }),
  fc.constantFrom<unknown>(Symbol("s"), () => 1, Number.NaN, null, undefined, new Map([[1, 2]])),
);
export const attributes: fc.Arbitrary<object> = fc
  .array(fc.tuple(hostileText, hostileValue), { maxLength: 6 })
  .map((pairs): object => Object.fromEntries(pairs));
const unit = fc.oneof(
  fc.constantFrom("", "s", "ms", "By", "1", "USD", "{token}", "By/s", "total", "count", "%"),
  hostileText,
);
export const description: fc.Arbitrary<Required<Description>> = fc.record({
  name: hostileText,
  unit,
  description: hostileText,
});
export const amount: fc.Arbitrary<number> = fc.integer({ min: 0, max: 1_000_000 });
const bounds = fc.constantFrom<number[]>([], [1], [1, 10, 100], [0.5, 10, 1000]);

export const metric: fc.Arbitrary<MetricData> = fc.oneof(
  fc.tuple(description, fc.array(fc.tuple(attributes, amount), { maxLength: 5 })).map((given) => counter(...given)),
  fc
    .tuple(description, fc.array(fc.tuple(attributes, fc.integer()), { maxLength: 5 }))
    .map((given) => upDownCounter(...given)),
  fc.tuple(description, fc.array(fc.tuple(attributes, fc.double()), { maxLength: 5 })).map((given) => gauge(...given)),
  fc
    .tuple(description, bounds, fc.array(fc.tuple(attributes, fc.array(amount, { maxLength: 5 })), { maxLength: 5 }))
    .map(([text, boundaries, points]) =>
      histogram(
        text,
        points.map(([labels, values]) => [labels, recorded(boundaries, values)] as const),
      ),
    ),
);
