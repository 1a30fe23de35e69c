import { catalogue } from "@meterbridge/core";
import { otlp } from "@meterbridge/exporter-otlp";
import { metrics } from "@opentelemetry/api";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { afterEach, expect, test } from "vitest";
import { freePort } from "./support/servers.ts";

afterEach(() => metrics.disable());

test("an export that nobody takes, and a point that cannot be sent, are counted in the meters that the catalogue promises", async () => {
  const nothing = (): void => {};
  const exporter = otlp({ url: `http://127.0.0.1:${await freePort()}/v1/metrics`, shutdownTimeoutMillis: 500 });
  const pushing = exporter.createReader({
    resourceAttributes: {},
    namespace: "",
    diag: { error: nothing, warn: nothing, info: nothing, debug: nothing, verbose: nothing },
  });
  const reader = new PullReader();
  const provider = new MeterProvider({ readers: [pushing, reader] });
  metrics.setGlobalMeterProvider(provider);
  provider.getMeter("shop").createGauge("temperature").record(Number.NaN);
  await pushing.forceFlush().catch(nothing);
  await pushing.shutdown().catch(nothing);

  const { resourceMetrics } = await reader.collect();
  const counted = resourceMetrics.scopeMetrics
    .flatMap((scope) => scope.metrics)
    .filter(({ descriptor }) => descriptor.name.startsWith("meterbridge."))
    .map(({ descriptor: { name, unit, description }, dataPoints }) => {
      return { name, unit, description, attributes: Object.keys(dataPoints[0]?.attributes ?? {}) };
    });
  const promised = catalogue
    .filter(({ name }) => name.startsWith("meterbridge.exporter."))
    .map(({ name, unit, description, attributes }) => ({
      name,
      unit,
      description,
      attributes: Object.keys(attributes),
    }));
  expect(counted.toSorted(byName)).toEqual(promised.toSorted(byName));
});

class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

function byName(left: { readonly name: string }, right: { readonly name: string }): number {
  return left.name < right.name ? -1 : 1;
}
