import { describe, expect, it } from "vitest";
import { boundText, valueText } from "./number-text.ts";

describe("valueText", () => {
  it.each([
    [0, "0"],
    [-0, "0"],
    [0.1, "0.1"],
    [1e21, "1e+21"],
    [Number.NaN, "NaN"],
    [Infinity, "+Inf"],
    [-Infinity, "-Inf"],
    [undefined as unknown as number, "NaN"],
  ])("writes %s as %s, which Prometheus parses", (value, text) => {
    expect(valueText(value)).toBe(text);
  });
});

describe("boundText", () => {
  it.each([
    [0, "0", "0.0"],
    [1, "1", "1.0"],
    [0.005, "0.005", "0.005"],
    [0.0001, "0.0001", "0.0001"],
    [0.00001, "1e-05", "1e-05"],
    [1.5e-7, "1.5e-07", "1.5e-07"],
    [100_000, "100000", "100000.0"],
    [1_000_000, "1e+06", "1e+06"],
    [1_234_567, "1.234567e+06", "1.234567e+06"],
    [-2.5, "-2.5", "-2.5"],
    [1e100, "1e+100", "1e+100"],
  ])("writes the bound %s as Go does, so that a rewritten service keeps its series", (bound, text, openMetrics) => {
    expect(boundText(bound, false)).toBe(text);
    expect(boundText(bound, true)).toBe(openMetrics);
  });
});
