import { createNoopMeter, metrics } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { afterEach, expect, inject, test } from "vitest";

// vitest.config.ts runs the tests of core twice, as two projects. Were an alias to break, both runs would silently use one
// generation; this tells.
const expected = inject("openTelemetry");

afterEach(() => metrics.disable());

test("the tests of this run use the OpenTelemetry generation that the run is named after", async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] });
  metrics.setGlobalMeterProvider(provider);
  const registered = Reflect.get(globalThis, Symbol.for("opentelemetry.js.api.1"));
  expect(registered).toMatchObject({ version: expected.api });

  metrics.getMeter("generations").createCounter("calls").add(1);
  await provider.forceFlush();
  const [collected] = exporter.getMetrics();
  expect(collected?.resource.attributes["telemetry.sdk.version"]).toBe(expected.sdk);
  await provider.shutdown();
});

test("the SDK under test and core see one and the same API, so that what is registered through one is seen by the other", async () => {
  const provider = new MeterProvider();
  await provider.shutdown();
  // A provider that was shut down hands out the no-op meter of the API copy it imports.
  expect(provider.getMeter("after shutdown")).toBe(createNoopMeter());
});
