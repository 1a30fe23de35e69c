import type { Attributes } from "@opentelemetry/api";
import fc from "fast-check";
import { expect, it } from "vitest";
import { render } from "../src/index.ts";
import { collect } from "./collect-values.ts";
import { parseExposition, total } from "./exposition-parser.ts";
import { amount, attributes, description, metric } from "./hostile-metrics.ts";
import { collected } from "./metric-data.ts";

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
