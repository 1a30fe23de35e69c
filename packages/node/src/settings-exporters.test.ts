import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hideEnvironment } from "../test/support.ts";
import { translateConfigFile } from "./config-file.ts";
import { readEnvironment } from "./environment.ts";
import { type Settings, settle } from "./settings.ts";
import type { StartOptions } from "./start-options.ts";

beforeEach(hideEnvironment);
afterEach(() => {
  vi.unstubAllEnvs();
});

const pull = { pull: { exporter: { "prometheus/development": { port: 1 } }, cardinality_limits: { default: 3000 } } };
const push = { periodic: { exporter: { console: null }, cardinality_limits: { counter: 50 } } };

function settings(options: StartOptions = {}): Settings {
  const file = translateConfigFile("otel.yaml", { meter_provider: { readers: [pull, push] } }, () => false);
  return settle(options, readEnvironment(), file);
}

test("the largest limit in the file is that of our own meters, so that no reader gets less than it takes", () => {
  const { seriesLimit, exporters } = settings();
  expect(seriesLimit).toBe(3000);
  expect(exporters).toMatchObject([{ reader: { limitDefault: 3000 } }, { reader: { limits: { COUNTER: 50 } } }]);
});

test.each([
  ["option", { seriesLimit: 100 }, ""],
  ["variable", {}, "100"],
])("a limit by %s takes the place of all of the file", (_, options, variable) => {
  vi.stubEnv("METERBRIDGE_SERIES_LIMIT", variable);
  const { seriesLimit, exporters } = settings(options);
  expect(seriesLimit).toBe(100);
  expect(exporters).toMatchObject([{ reader: { limits: {} } }, { reader: { limits: {} } }]);
  expect(exporters).not.toMatchObject([{ reader: { limitDefault: 3000 } }, {}]);
});

test("exporters by name keep what the file says of them, and one that it does not have is as ever", () => {
  expect(settings({ exporters: ["prometheus", "otlp"] })).toMatchObject({
    exporters: [{ exporterName: "prometheus", options: { port: 1 } }, "otlp"],
    exportersFrom: `option "exporters"`,
  });
});
