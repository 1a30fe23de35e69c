import { expect, test } from "vitest";
import {
  contractMeters,
  expectArrival,
  type ExporterBackend,
  type ExporterHarness,
  startExporter,
} from "./exporter-harness.ts";
import { watchResources } from "./watch-resources.ts";

export function testCreation<Backend extends ExporterBackend>(harness: ExporterHarness<Backend>): void {
  const withBackend = async (use: (backend: Backend) => Promise<void> | void): Promise<void> => {
    const backend = await harness.startBackend();
    try {
      await use(backend);
    } finally {
      await backend.stop();
    }
  };

  test("it has a name in kebab-case, and shows no password or key in where it sends", () =>
    withBackend((backend) => {
      const { specificationVersion, name, target = "" } = harness.create(backend);
      expect(specificationVersion).toBe(1);
      expect(name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
      expect(target).not.toMatch(/\/\/[^/]*@|\?/);
      if (harness.secret !== undefined) expect(target).not.toContain(harness.secret);
    }));

  test("it opens nothing: an exporter that was made and dropped leaves no timer, file or connection", () =>
    withBackend(async (backend) => {
      const resources = watchResources();
      try {
        resources.run(() => harness.create(backend));
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
        expect(resources.opened()).toEqual([]);
        expect(backend.contacts()).toBe(0);
      } finally {
        resources.stop();
      }
    }));

  test("a reader is there at once, for a preload cannot wait", () =>
    withBackend(async (backend) => {
      const { reader } = startExporter(harness.create(backend), backend);
      expect(reader).not.toHaveProperty("then");
      await reader.shutdown();
    }));

  test("the end of one reader is not the end of another, as when a start comes after a shutdown", () =>
    withBackend(async (backend) => {
      const exporter = harness.create(backend);
      const first = startExporter(exporter, backend);
      const second = startExporter(exporter, backend);
      expect(second.reader).not.toBe(first.reader);
      await first.reader.shutdown();
      second.record(contractMeters.counter, 3, { tenant: "acme" });
      await second.reader.forceFlush();
      await expectArrival(second, contractMeters.counter, { tenant: "acme" }, 3);
      await second.reader.shutdown();
    }));
}
