import type { Attributes } from "@opentelemetry/api";
import type { MetricData, ResourceMetrics } from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapingSchemes } from "../src/escape-names.ts";
import { translationStrategies } from "../src/naming.ts";
import type { RenderSettings } from "../src/render-steps.ts";
import { createRenderer } from "../src/renderer.ts";
import { counter, gauge, histogram, recorded, scopes, upDownCounter } from "./metric-data.ts";

/** A process's meters, as a program changes them between scrapes. */
interface Series {
  attributes: Attributes;
  value: number;
}

const names = ["a.total", "a_total", "b", "b.c", "b_c"];
const kinds = ["counter", "updown", "gauge", "histogram"] as const;
const text = fc.constantFrom("x", "y", "ü", '"', "", "long".repeat(50));
const attributes = fc
  .dictionary(fc.constantFrom("k", "k.l", "k_l", "le", "ключ"), fc.oneof(text, fc.constantFrom(["a", "b"], 1, true)))
  .map((given): Attributes => ({ ...given }));
const place = fc.nat({ max: 50 });

const step = fc.oneof(
  fc.record({ do: fc.constant("add" as const), metric: fc.nat({ max: 7 }), attributes, frozen: fc.boolean() }),
  fc.record({ do: fc.constant("change" as const), metric: fc.nat({ max: 7 }), place, by: fc.double({ noNaN: true }) }),
  fc.record({ do: fc.constant("remove" as const), metric: fc.nat({ max: 7 }), place }),
  fc.record({ do: fc.constant("swap" as const), metric: fc.nat({ max: 7 }), place }),
  fc.record({ do: fc.constant("mutate" as const), metric: fc.nat({ max: 7 }), place, text }),
);
const settings = fc.record({
  format: fc.constantFrom("text" as const, "openmetrics" as const, "protobuf" as const),
  naming: fc.record({
    strategy: fc.constantFrom(...translationStrategies),
    escaping: fc.constantFrom(...escapingSchemes),
  }),
  withScopeInfo: fc.boolean(),
  withTargetInfo: fc.boolean(),
  withCreated: fc.boolean(),
  onWarning: fc.constant(() => {}),
});
const program = fc.record({
  metrics: fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...kinds)), { minLength: 1, maxLength: 8 }),
  rounds: fc.array(fc.tuple(fc.array(step, { maxLength: 8 }), fc.integer({ min: 0, max: 2 })), {
    minLength: 1,
    maxLength: 8,
  }),
  flavours: fc.tuple(settings, settings, settings),
});

describe("labels that are kept from scrape to scrape", () => {
  it.each([0, 200, 1_000_000])(
    "never change a byte, with %d bytes of them, whatever came, went, moved or was changed meanwhile",
    async (limit) => {
      await fc.assert(
        fc.asyncProperty(program, async ({ metrics, rounds, flavours }) => {
          const renderer = createRenderer(limit);
          const all: Series[][] = metrics.map(() => []);
          for (const [steps, which] of rounds) {
            for (const one of steps) apply(all[one.metric % all.length] ?? [], one);
            const collected = collect(metrics, all);
            const asked: RenderSettings = flavours[which] ?? flavours[0];
            const kept = Buffer.concat(await renderer.render(collected, asked));
            const fresh = Buffer.concat(await createRenderer(0).render(collected, asked));
            expect(kept.equals(fresh), `${kept.toString()}\n--- fresh:\n${fresh.toString()}`).toBe(true);
            expect(renderer.keptBytes()).toBeLessThanOrEqual(limit);
          }
        }),
        { numRuns: 300 },
      );
    },
  );

  it("are taken from memory for attributes that cannot change, and read again for those that can", async () => {
    let reads = 0;
    const frozen = Object.freeze({ a: "1" });
    const open = {
      get a() {
        reads++;
        return "2";
      },
    };
    const renderer = createRenderer(1_000_000);
    const asked: RenderSettings = {
      format: "text",
      naming: { strategy: "UnderscoreEscapingWithSuffixes", escaping: "underscores" },
      withScopeInfo: false,
      withTargetInfo: false,
      withCreated: false,
      onWarning: () => {},
    };
    for (const name of ["frozen", "open"]) {
      const points = [[name === "frozen" ? frozen : open, 1]] as const;
      const metrics = scopes([["test", [counter({ name }, points)]]]);
      for (let scrape = 0; scrape < 3; scrape++) await renderer.render(metrics, asked);
      expect(renderer.keptBytes()).toBe(name === "frozen" ? 'a="1"'.length + 4 + 8 : 0);
    }
    expect(reads).toBe(3);
  });
});

function apply(series: Series[], one: ReturnType<typeof step.generate>["value"]): void {
  if (one.do === "add") {
    series.push({ attributes: one.frozen ? deepFreeze(one.attributes) : one.attributes, value: 1 });
    return;
  }
  if (series.length === 0) return;
  const at = one.place % series.length;
  const chosen = series[at]!;
  switch (one.do) {
    case "change":
      chosen.value = one.by;
      break;
    case "remove":
      series.splice(at, 1);
      break;
    case "swap":
      series.push(...series.splice(at, 1));
      break;
    case "mutate": {
      const [list] = Object.values(chosen.attributes).filter(Array.isArray);
      if (!Object.isFrozen(chosen.attributes)) chosen.attributes["k"] = one.text;
      if (list !== undefined && !Object.isFrozen(list)) (list as string[])[0] = one.text;
    }
  }
}

function deepFreeze(given: Attributes): Attributes {
  for (const value of Object.values(given)) Object.freeze(value);
  return Object.freeze(given);
}

function collect(
  metrics: readonly (readonly [name: string, kind: (typeof kinds)[number]])[],
  all: readonly (readonly Series[])[],
): ResourceMetrics {
  const data = metrics.map(([name, kind], index): MetricData => {
    const points = (all[index] ?? []).map((series) => [series.attributes, series.value] as const);
    switch (kind) {
      case "counter":
        return counter({ name, unit: "s" }, points);
      case "updown":
        return upDownCounter({ name }, points);
      case "gauge":
        return gauge({ name }, points);
      case "histogram":
        return histogram(
          { name },
          points.map(([given, value]) => [given, recorded([0, 1, 10], [value, 5])] as const),
        );
    }
  });
  const half = Math.ceil(data.length / 2);
  return scopes(
    [
      ["one", data.slice(0, half)],
      ["two", data.slice(half)],
    ],
    { "service.name": "shop" },
  );
}
