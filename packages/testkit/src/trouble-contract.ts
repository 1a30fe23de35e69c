import { expect, test } from "vitest";
import {
  contractMeters,
  eventually,
  expectArrival,
  type ExporterBackend,
  type ExporterHarness,
  faults,
  type RunningExporter,
  withExporter,
} from "./exporter-harness.ts";

const { counter } = contractMeters;
const acme = { tenant: "acme" };

export function testTrouble<Backend extends ExporterBackend>(harness: ExporterHarness<Backend>): void {
  const possible = harness.faults ?? faults;

  test("values that no backend can take neither throw nor keep others from arriving", () =>
    withExporter(harness, async (running) => {
      running.record({ kind: "counter", name: "contract.poisoned", unit: "1" }, Number.NaN);
      running.record({ kind: "gauge", name: "contract.infinite", unit: "1" }, Number.POSITIVE_INFINITY);
      running.record({ kind: "histogram", name: "contract.broken", unit: "1" }, Number.NEGATIVE_INFINITY);
      running.record(counter, 3, acme);
      await running.reader.forceFlush();
      await expectArrival(running, counter, acme, 3);
    }));

  for (const fault of possible) {
    test(`a backend that ${fault} does not reach the application, is told without a secret, and holds the end for no longer than the deadline`, () =>
      withExporter(harness, async (running) => {
        const { reader, told } = running;
        await misbehave(running, fault);
        running.record(counter, 3, acme);
        await reader.forceFlush();
        running.record(counter, 4, acme);
        const begin = performance.now();
        await reader.shutdown();
        await reader.shutdown();
        expect(performance.now() - begin).toBeLessThan(mostMillis);
        // Garbage behind a 200 is an answer all the same.
        if (fault !== "answers with garbage") expect(told.length).toBeGreaterThan(0);
        if (harness.secret !== undefined) expect(told.join("\n")).not.toContain(harness.secret);
      }));
  }

  for (const fault of possible.filter((each) => !taken.has(each))) {
    test(`a backend that ${fault} for a while gets what was recorded meanwhile, once`, () =>
      withExporter(harness, async (running) => {
        const { reader } = running;
        running.record(counter, 1, acme);
        await reader.forceFlush();
        await expectArrival(running, counter, acme, 1);
        await misbehave(running, fault);
        for (let flush = 0; flush < 2; flush++) {
          running.record(counter, 10, acme);
          await reader.forceFlush();
        }
        await misbehave(running, undefined);
        running.record(counter, 100, acme);
        await expectAfterFlushes(running, 121);
      }));
  }

  const [first] = possible.filter((fault) => !taken.has(fault));
  if (first === undefined) return;
  test("trouble is told once and not at every export, and is over in the application's health when it is over", () =>
    withExporter(harness, async (running) => {
      const { exporter, reader, told } = running;
      await misbehave(running, first);
      running.record(counter, 1, acme);
      for (let flush = 0; flush < 4; flush++) await reader.forceFlush();
      expect(await eventually(() => told.length > 0)).toBe(true);
      const texts = told.map((text) => text.replaceAll(/\d+/g, "0"));
      expect(texts).toEqual([...new Set(texts)]);
      if (exporter.isFailing !== undefined) expect(exporter.isFailing()).toBe(true);

      await misbehave(running, undefined);
      await expectAfterFlushes(running, 1);
      if (exporter.isFailing !== undefined) expect(await eventually(() => !exporter.isFailing!())).toBe(true);
    }));
}

/** What was under way when the backend came back may still fail, so that the next export is waited for. */
async function expectAfterFlushes(running: RunningExporter, total: number): Promise<void> {
  await eventually(async () => {
    await running.reader.forceFlush();
    return (await running.backend.read(counter, acme)) === total;
  });
  // As an interval would come upon it.
  await running.reader.forceFlush();
  await expectArrival(running, counter, acme, total);
}

/** The deadline, and how late a busy machine may be. */
const mostMillis = 2000 + 3000;

/** With these the backend has what it was sent. */
const taken: ReadonlySet<string> = new Set(["answers with garbage", "rejects a part"]);

async function misbehave(
  { backend }: RunningExporter,
  fault: Parameters<NonNullable<ExporterBackend["misbehave"]>>[0],
) {
  if (backend.misbehave === undefined) {
    throw new Error("the backend has no misbehave(): give it one, or `faults: []` to the harness");
  }
  await backend.misbehave(fault);
}
