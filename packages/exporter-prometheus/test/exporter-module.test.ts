import type { ExporterModule } from "@meterbridge/exporter";
import { expect, it } from "vitest";

it("can be loaded by name: the package has createExporter, the same function as prometheus", async () => {
  const loaded = await import("../src/index.ts");
  const module: ExporterModule = loaded;
  expect(module.createExporter).toBe(loaded.prometheus);
  expect(module.createExporter()).toMatchObject({ specificationVersion: 1, name: "prometheus" });
});
