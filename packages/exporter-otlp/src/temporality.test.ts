import {
  CumulativeTemporalitySelector,
  DeltaTemporalitySelector,
  LowMemoryTemporalitySelector,
} from "@opentelemetry/exporter-metrics-otlp-http";
import { InstrumentType } from "@opentelemetry/sdk-metrics";
import { describe, expect, it } from "vitest";
import { temporalityOf } from "./temporality.ts";

describe("temporality", () => {
  it.each([
    ["cumulative", CumulativeTemporalitySelector],
    ["delta", DeltaTemporalitySelector],
    ["lowmemory", LowMemoryTemporalitySelector],
  ] as const)("%s treats each instrument as the official exporter does", (preference, official) => {
    const select = temporalityOf(preference);

    for (const instrument of Object.values(InstrumentType)) expect(select(instrument)).toBe(official(instrument));
  });
});
