import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { llm, withAttribution } from "@meterbridge/core";
import type { UsageQueries } from "@meterbridge/ledger";
import { start, type StartOptions } from "@meterbridge/node";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hideEnvironment, keepingExporter, keepingLogger } from "./support.ts";

beforeEach(hideEnvironment);
afterEach(() => vi.unstubAllEnvs());

function startQuietly(options: StartOptions) {
  return start({ diagLogger: keepingLogger(), ...options });
}

const call = { provider: "openai", model: "gpt-4o", inputTokens: 1000, outputTokens: 10, duration: 0.7 };

test("the sums of all meters can be read in the process, and reading takes nothing from an exporter", async () => {
  const exporter = keepingExporter();
  const sdk = startQuietly({ exporters: [exporter] });
  withAttribution({ tenant: "acme" }, () => llm.record(call));
  await sdk.collect();
  withAttribution({ tenant: "acme" }, () => llm.record(call));
  const readings = await sdk.collect();
  const requests = readings.find((meter) => meter.name === "llm.requests");
  expect(requests).toMatchObject({ kind: "counter", unit: "{request}" });
  expect(requests?.points).toEqual([{ attributes: expect.objectContaining({ tenant: "acme" }), value: 2 }]);
  const [duration] = readings.find((meter) => meter.name === "gen_ai.client.inference.duration")!.points;
  expect(duration).toMatchObject({ value: 1.4, count: 2 });
  expect(duration!.counts).toHaveLength(duration!.boundaries!.length + 1);
  const exported = (await exporter.collect()).scopeMetrics.flatMap((scope) => scope.metrics);
  expect(exported.find((metric) => metric.descriptor.name === "llm.requests")?.dataPoints[0]?.value).toBe(2);
  await sdk.shutdown();
  await expect(sdk.collect()).rejects.toThrow("[meterbridge] the meters are not running");
});

test("the meters of somebody else's meter provider cannot be read, and that is said rather than shown as nothing", async () => {
  const sdk = startQuietly({ meterProvider: new MeterProvider() });
  await expect(sdk.collect()).rejects.toThrow("[meterbridge] the meters cannot be read");
  await sdk.shutdown();
});

test("the ledger that start() opened can be asked before and after the first event", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "readings-"));
  vi.stubEnv("METERBRIDGE_LEDGER", undefined);
  vi.stubEnv("METERBRIDGE_LEDGER_DIRECTORY", path.join(directory, "ledger"));
  const sdk = startQuietly({ exporters: [keepingExporter()] });
  expect(sdk.ledgerStatus()).toEqual({ state: "idle", waiting: 0 });
  const queries = (await sdk.usageQueries()) as UsageQueries;
  await expect(queries.overview()).resolves.toMatchObject({ today: { calls: 0 } });
  llm.record(call);
  await sdk.forceFlush();
  expect(sdk.ledgerStatus()).toEqual({ state: "ready", waiting: 0 });
  await expect(queries.overview()).resolves.toMatchObject({ today: { calls: 1 } });
  await sdk.shutdown();
  await rm(directory, { recursive: true });
});

test("without a ledger there are no queries and no status of one", async () => {
  const sdk = startQuietly({ exporters: [keepingExporter()] });
  expect(sdk.usageQueries()).toBeUndefined();
  expect(sdk.ledgerStatus()).toBeUndefined();
  await sdk.shutdown();
});
