export { assertMeter } from "./assert-meter.ts";
export { type LintedMeter, lintMeters, type MeterFinding } from "./lint-meters.ts";
export { meterMatchers, type MeterAssertions, type MeterMatchers } from "./meter-matchers.ts";
export type { MeterTextOptions } from "./meter-text.ts";
export type { TestMeter, TestMeterKind, TestSeries } from "./recorded-meter.ts";
export { createTestMeters, type TestMeters, type TestMetersOptions } from "./test-meters.ts";
