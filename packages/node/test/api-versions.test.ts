import { createRequire } from "node:module";
import path from "node:path";
import { start } from "@meterbridge/node";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hideEnvironment, keepingExporter, keepingLogger } from "./support.ts";

// An application whose other SDK brings the older API: the newer copy must not see what the older one registered, and
// says nothing about it.
const older = createRequire(path.join(import.meta.dirname, "../../../test/otel-2/package.json"));
const olderApi = older("@opentelemetry/api") as typeof import("@opentelemetry/api");

beforeEach(hideEnvironment);
afterEach(() => {
  vi.unstubAllEnvs();
  delete (globalThis as { [key: symbol]: unknown })[Symbol.for("opentelemetry.js.api.1")];
});

test.each([
  [
    "a meter provider",
    () => {
      const { MeterProvider } = older("@opentelemetry/sdk-metrics") as typeof import("@opentelemetry/sdk-metrics");
      olderApi.metrics.setGlobalMeterProvider(new MeterProvider());
    },
  ],
  ["a diag logger alone", () => void olderApi.diag.setLogger(keepingLogger())],
])(
  "%s registered through an older @opentelemetry/api is a conflict that is told in one line",
  async (_what, register) => {
    register();
    const logger = keepingLogger();
    const exporter = keepingExporter();
    const sdk = start({ exporters: [exporter], diagLogger: logger });
    expect(sdk.status).toContain("meters are not recorded (conflict with @opentelemetry/api 1.9.1)");
    expect(logger.lines.filter((line) => line.startsWith("error"))).toEqual([
      "error: @opentelemetry/api 1.9.1 was registered first and cannot be used from the version that Meterbridge has: " +
        "nothing is recorded until both are the same (npm ls @opentelemetry/api)",
    ]);
    expect(sdk.exporters).toEqual([]);
    await sdk.shutdown();
  },
);
