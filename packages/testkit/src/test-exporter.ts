import { describe, expect, test } from "vitest";
import {
  type ContractKind,
  type ContractMeter,
  contextOf,
  type ExporterHarness,
  faults,
  type Reading,
  type RunningExporter,
  withExporter,
} from "./exporter-harness.ts";

/**
 * The contract of an exporter, as tests of Vitest: one that passes can be run in production. Call it at the top of a test file. It takes a
 * backend that speaks what the real one speaks.
 *
 * @param name Of the exporter, as it stands in the names of the tests.
 */
export function testExporter(name: string, harness: ExporterHarness): void {
  describe(`the exporter ${name}`, () => {
    describe("before it is started", () => {
      testCreation(harness);
    });
    describe("delivers", () => {
      testDelivery(harness);
    });
    describe("in trouble", () => {
      testTrouble(harness);
    });
    describe("at its end", () => {
      testEnd(harness);
    });
  });
}

/** Meters of each kind, as applications have them. */
export const contractMeters: Readonly<Record<ContractKind, ContractMeter>> = {
  counter: { kind: "counter", name: "contract.orders", unit: "{order}" },
  upDownCounter: { kind: "upDownCounter", name: "contract.open", unit: "{order}" },
  gauge: { kind: "gauge", name: "contract.temperature", unit: "Cel" },
  histogram: { kind: "histogram", name: "contract.duration", unit: "s" },
  exponentialHistogram: { kind: "exponentialHistogram", name: "contract.exponential", unit: "By" },
};

const acme = { tenant: "acme", "user.kind": 'he said "no"\\\n' };

function testCreation(harness: ExporterHarness): void {
  test("it has a name in kebab-case, and tells no secret of where it sends", async () => {
    const backend = await harness.startBackend();
    const exporter = harness.create(backend);
    expect(exporter.specificationVersion).toBe(1);
    expect(exporter.name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
    expect(exporter.target ?? "").not.toMatch(/\/\/[^/]*@|\?/);
    if (harness.secret !== undefined) expect(exporter.target ?? "").not.toContain(harness.secret);
    await backend.stop();
  });

  test("it opens nothing: an exporter that was made and dropped leaves no trace", async () => {
    const backend = await harness.startBackend();
    const before = process.getActiveResourcesInfo().toSorted();
    harness.create(backend);
    await turns();
    expect(process.getActiveResourcesInfo().toSorted()).toEqual(before);
    expect(backend.contacts()).toBe(0);
    await backend.stop();
  });

  test("two readers of one exporter are independent of each other where both can be had", async () => {
    const backend = await harness.startBackend();
    const exporter = harness.create(backend);
    const first = exporter.createReader(contextOf([]));
    expect(exporter.createReader(contextOf([]))).not.toBe(first);
    await backend.stop();
  });
}

function testDelivery(harness: ExporterHarness): void {
  const values: Readonly<Record<ContractKind, readonly [recorded: readonly number[], read: Reading]>> = {
    counter: [[3, 4.5], 7.5],
    upDownCounter: [[5, -2], 3],
    gauge: [[20, 21.5], 21.5],
    histogram: [[0.5, 7, 40], { count: 3, sum: 47.5 }],
    exponentialHistogram: [[0.5, 7, 40], { count: 3, sum: 47.5 }],
  };
  for (const [kind, [recorded, read]] of Object.entries(values) as [ContractKind, (typeof values)[ContractKind]][]) {
    if (harness.without?.includes(kind)) continue;
    test(`a ${kind}, to the unit, each series apart`, () =>
      withExporter(harness, async (running) => {
        const meter = contractMeters[kind];
        for (const value of recorded) running.record(meter, value, acme);
        running.record(meter, 2, { ...acme, tenant: "globex" });
        await running.reader.forceFlush();
        await arrives(running, meter, read);
        expect(await running.backend.read(meter, { ...acme, tenant: "globex" })).toEqual(
          typeof read === "number" ? 2 : { count: 1, sum: 2 },
        );
      }));
  }

  test("what is recorded between two exports once, so that totals add up", () =>
    withExporter(harness, async (running) => {
      for (let round = 1; round <= 3; round++) {
        running.record(contractMeters.counter, round, acme);
        await running.reader.forceFlush();
        await arrives(running, contractMeters.counter, (round * (round + 1)) / 2);
      }
    }));
}

function testTrouble(harness: ExporterHarness): void {
  test("values that no backend can take neither throw nor keep others from arriving", () =>
    withExporter(harness, async (running) => {
      running.record({ kind: "counter", name: "contract.poisoned", unit: "1" }, Number.NaN);
      running.record({ kind: "gauge", name: "contract.infinite", unit: "1" }, Number.POSITIVE_INFINITY);
      running.record(contractMeters.counter, 3, acme);
      await running.reader.forceFlush();
      await arrives(running, contractMeters.counter, 3);
    }));

  for (const fault of faults) {
    test(`a backend that ${fault} does not reach the application, and is told, and its end costs no more than the deadline`, (context) =>
      withExporter(harness, async (running) => {
        const { backend, reader, told } = running;
        if (backend.misbehave === undefined) return context.skip("the exporter calls no backend");
        await backend.misbehave(fault);
        running.record(contractMeters.counter, 3, acme);
        await reader.forceFlush();
        running.record(contractMeters.counter, 4, acme);
        const begin = performance.now();
        await reader.shutdown();
        await reader.shutdown();
        expect(performance.now() - begin).toBeLessThan(2000 + slack);
        // Garbage behind a 200 is an answer all the same.
        if (fault !== "answers with garbage") expect(told.length).toBeGreaterThan(0);
        if (harness.secret !== undefined) expect(told.join("\n")).not.toContain(harness.secret);
      }));
  }

  test("a backend that comes back gets what was recorded while it was away, once", (context) =>
    withExporter(harness, async (running) => {
      const { backend, reader } = running;
      if (backend.misbehave === undefined) return context.skip("the exporter calls no backend");
      running.record(contractMeters.counter, 1, acme);
      await reader.forceFlush();
      await backend.misbehave("answers 503");
      for (let flush = 0; flush < 2; flush++) {
        running.record(contractMeters.counter, 10, acme);
        await reader.forceFlush();
      }
      await backend.misbehave(undefined);
      running.record(contractMeters.counter, 100, acme);
      await reader.forceFlush();
      await arrives(running, contractMeters.counter, 121);
    }));
}

function testEnd(harness: ExporterHarness): void {
  test("it keeps no process alive while nothing is under way", () =>
    withExporter(harness, async (running) => {
      const before = process.getActiveResourcesInfo();
      running.record(contractMeters.counter, 1, acme);
      await running.reader.forceFlush();
      await turns();
      // Timers and connections that hold the process would be among these.
      const holding = process.getActiveResourcesInfo().filter((kind) => kind === "Timeout" || kind === "Immediate");
      expect(holding.length).toBeLessThanOrEqual(
        before.filter((kind) => kind === "Timeout" || kind === "Immediate").length,
      );
    }));

  test("it sends what was recorded last, may be ended twice, and sends nothing afterwards", () =>
    withExporter(harness, async (running) => {
      const { reader, backend } = running;
      running.record(contractMeters.counter, 5, acme);
      await Promise.all([reader.shutdown(), reader.shutdown()]);
      const contacts = backend.contacts();
      running.record(contractMeters.counter, 7, acme);
      await reader.forceFlush();
      await reader.shutdown();
      await turns();
      expect(backend.contacts()).toBe(contacts);
    }));
}

/** How late a busy machine may be. */
const slack = 2000;

async function arrives({ backend }: RunningExporter, meter: ContractMeter, expected: Reading): Promise<void> {
  const deadline = performance.now() + 5000;
  let found: Reading | undefined;
  do {
    found = await backend.read(meter, acme);
    if (JSON.stringify(found) === JSON.stringify(expected)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  } while (performance.now() < deadline);
  expect(found).toEqual(expected);
}

/** Long enough for what is begun in the next turns of the event loop. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
