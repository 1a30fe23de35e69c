import type { Attributes } from "@opentelemetry/api";
import fc from "fast-check";
import { expect, it } from "vitest";
import { render } from "../src/index.ts";
import { collect } from "./collect-values.ts";
import { parseExposition, total } from "./exposition-parser.ts";
import { collected, counter, gauge, histogram, recorded, upDownCounter } from "./metric-data.ts";

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
const attributes = fc
  .array(fc.tuple(hostileText, hostileValue), { maxLength: 6 })
  .map((pairs): object => Object.fromEntries(pairs));
const unit = fc.oneof(
  fc.constantFrom("", "s", "ms", "By", "1", "USD", "{token}", "By/s", "total", "count", "%"),
  hostileText,
);
const description = fc.record({ name: hostileText, unit, description: hostileText });
const amount = fc.integer({ min: 0, max: 1_000_000 });
const bounds = fc.constantFrom<number[]>([], [1], [1, 10, 100], [0.5, 10, 1000]);

const metric = fc.oneof(
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

const formats = ["text", "openmetrics"] as const;

it.each(formats)("no name, unit, description or attribute breaks %s, and no sum changes on the way", (format) => {
  fc.assert(
    fc.property(fc.array(metric, { maxLength: 8 }), attributes, fc.boolean(), (metrics, resource, withScopeInfo) => {
      const text = render(collected(metrics, resource), { format, withScopeInfo });
      const families = parseExposition(text, format);

      let sums = 0;
      let recordings = 0;
      let ups = 0;
      for (const one of metrics) {
        for (const { value } of one.dataPoints) {
          if (typeof value !== "number") {
            sums += value.sum ?? 0;
            recordings += value.count;
          } else if ("isMonotonic" in one) {
            if (one.isMonotonic) sums += value;
            else ups += value;
          }
        }
      }
      let foundSums = 0;
      let foundRecordings = 0;
      for (const { type, samples } of families) {
        for (const sample of samples) {
          if (type === "counter" || (type === "histogram" && sample.name.endsWith("_sum"))) foundSums += sample.value;
          if (type === "histogram" && sample.name.endsWith("_count")) foundRecordings += sample.value;
        }
      }
      expect(foundSums).toBe(sums);
      expect(foundRecordings).toBe(recordings);
      // Gauges hold doubles, so up-down counters are compared where they are alone.
      if (metrics.every((one) => "isMonotonic" in one)) {
        const gauges = families.filter(({ name, type }) => type === "gauge" && name !== "target_info");
        expect(gauges.reduce((sum, { name }) => sum + total(families, name), 0)).toBe(ups);
      }
    }),
    { numRuns: 1000 },
  );
});

it.each(formats)("what the official SDK makes of hostile instruments stays readable as %s", async (format) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(description, attributes, amount), { minLength: 1, maxLength: 6 }),
      async (recordings) => {
        let sum = 0;
        const resourceMetrics = await collect((meter) => {
          for (const [{ name, ...options }, labels, value] of recordings) {
            try {
              meter.createCounter(name, options).add(value, labels as Attributes);
              sum += value;
            } catch {
              // The official SDK throws for attributes that cannot be made JSON.
            }
          }
        });
        expect(
          parseExposition(render(resourceMetrics, { format }), format)
            .filter(({ type }) => type === "counter")
            .flatMap(({ samples }) => samples)
            .reduce((found, { value }) => found + value, 0),
        ).toBe(sum);
      },
    ),
    { numRuns: 200 },
  );
});
