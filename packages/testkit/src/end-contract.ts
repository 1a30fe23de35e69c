import { expect, test } from "vitest";
import {
  contractMeters,
  eventually,
  expectArrival,
  type ExporterBackend,
  type ExporterHarness,
  startExporter,
  withExporter,
} from "./exporter-harness.ts";
import { watchResources } from "./watch-resources.ts";

const { counter } = contractMeters;
const acme = { tenant: "acme" };

export function testEnd<Backend extends ExporterBackend>(harness: ExporterHarness<Backend>): void {
  test("it keeps no process alive while nothing is under way", async () => {
    const backend = await harness.startBackend();
    const resources = watchResources();
    try {
      const running = resources.run(() => startExporter(harness.create(backend), backend));
      running.record(counter, 1, acme);
      await resources.run(() => running.reader.forceFlush());
      await expectArrival(running, counter, acme, 1);
      await eventually(() => resources.holding().length === 0);
      expect(resources.holding()).toEqual([]);
      await resources.run(() => running.reader.shutdown());
      await eventually(() => resources.holding().length === 0);
      expect(resources.holding()).toEqual([]);
    } finally {
      resources.stop();
      await backend.stop();
    }
  });

  (harness.isScraped === true ? testScrapedEnd : testPushedEnd)(harness);

  test("an application that goes on recording afterwards does not notice", () =>
    withExporter(harness, async ({ reader, record, told }) => {
      await reader.shutdown();
      const tellings = told.length;
      for (let value = 0; value < 100; value++) record(counter, value, acme);
      await reader.forceFlush();
      expect(told).toHaveLength(tellings);
    }));

  test("it can be ended before anything was recorded", () =>
    withExporter(harness, async ({ reader, told }) => {
      await reader.shutdown();
      expect(told).toEqual([]);
    }));
}

function testScrapedEnd<Backend extends ExporterBackend>(harness: ExporterHarness<Backend>): void {
  test("it answers nobody afterwards, and may be ended twice", () =>
    withExporter(harness, async (running) => {
      const { reader, backend } = running;
      running.record(counter, 5, acme);
      await expectArrival(running, counter, acme, 5);
      await Promise.all([reader.shutdown(), reader.shutdown()]);
      await reader.shutdown();
      expect(await backend.read(counter, acme)).toBeUndefined();
    }));
}

function testPushedEnd<Backend extends ExporterBackend>(harness: ExporterHarness<Backend>): void {
  test("it sends what was recorded last, may be ended twice, and sends nothing afterwards", () =>
    withExporter(harness, async (running) => {
      const { reader, backend } = running;
      running.record(counter, 5, acme);
      await Promise.all([reader.shutdown(), reader.shutdown()]);
      await expectArrival(running, counter, acme, 5);
      const contacts = backend.contacts();
      running.record(counter, 7, acme);
      await reader.forceFlush();
      await reader.shutdown();
      expect(backend.contacts()).toBe(contacts);
      expect(await backend.read(counter, acme)).toBe(5);
    }));
}
