import type { Attributes } from "@opentelemetry/api";
import { expect, test } from "vitest";
import {
  type ContractKind,
  contractMeters,
  expectArrival,
  type ExporterBackend,
  type ExporterHarness,
  type Reading,
  withExporter,
} from "./exporter-harness.ts";

export function testDelivery<Backend extends ExporterBackend>(harness: ExporterHarness<Backend>): void {
  for (const kind of kindsOf(harness)) {
    const [recorded, read] = values[kind];
    const meter = contractMeters[kind];
    test(`a ${kind} to the unit, each series apart`, () =>
      withExporter(harness, async (running) => {
        for (const value of recorded) running.record(meter, value, acme);
        running.record(meter, 2, globex);
        await running.reader.forceFlush();
        await expectArrival(running, meter, acme, read);
        await expectArrival(running, meter, globex, typeof read === "number" ? 2 : { count: 1, sum: 2 });
      }));

    test(`a ${kind} that is recorded between exports, so that totals add up`, () =>
      withExporter(harness, async (running) => {
        for (let round = 1; round <= 3; round++) {
          running.record(meter, round, acme);
          await running.reader.forceFlush();
          await expectArrival(running, meter, acme, afterRounds(kind, round));
        }
      }));
  }

  for (const kind of harness.without?.includes("unit") === true ? [] : kindsOf(harness)) {
    test(`the unit of a ${kind}, so that seconds are not taken for something else`, () =>
      withExporter(harness, async (running) => {
        const meter = contractMeters[kind];
        running.record(meter, 1, acme);
        await running.reader.forceFlush();
        await expectArrival(running, meter, acme, afterRounds(kind, 1));
        expect(await running.backend.unitOf?.(meter)).toBe(meter.unit);
      }));
  }

  test("attributes of every type, and texts that would break a format", () =>
    withExporter(harness, async (running) => {
      for (const attributes of awkward) running.record(contractMeters.counter, 1, attributes);
      await running.reader.forceFlush();
      for (const attributes of awkward) await expectArrival(running, contractMeters.counter, attributes, 1);
    }));

  test("what was recorded before a flush, though nothing was recorded before the flush in between", () =>
    withExporter(harness, async (running) => {
      running.record(contractMeters.counter, 5, acme);
      await running.reader.forceFlush();
      await running.reader.forceFlush();
      running.record(contractMeters.counter, 6, acme);
      await Promise.all([running.reader.forceFlush(), running.reader.forceFlush()]);
      await expectArrival(running, contractMeters.counter, acme, 11);
    }));
}

/** The kinds that the backend can be told. */
export function kindsOf<Backend extends ExporterBackend>({
  without,
}: ExporterHarness<Backend>): readonly ContractKind[] {
  return (Object.keys(contractMeters) as ContractKind[]).filter((kind) => without?.includes(kind) !== true);
}

const acme: Attributes = { tenant: "acme", "user.kind": "guest" };
const globex: Attributes = { tenant: "globex", "user.kind": "guest" };

const values: Readonly<Record<ContractKind, readonly [recorded: readonly number[], read: Reading]>> = {
  counter: [[3, 4.5], 7.5],
  upDownCounter: [[5, -7], -2],
  gauge: [[20, 21.5], 21.5],
  histogram: [[0.5, 7, 40], { count: 3, sum: 47.5 }],
  exponentialHistogram: [[0.5, 7, 40], { count: 3, sum: 47.5 }],
};

/** Of 1, 2, 3 and so on. */
function afterRounds(kind: ContractKind, rounds: number): Reading {
  const sum = (rounds * (rounds + 1)) / 2;
  if (kind === "gauge") return rounds;
  return kind === "counter" || kind === "upDownCounter" ? sum : { count: rounds, sum };
}

const awkward: readonly Attributes[] = [
  {},
  { status: 200, cached: true, ratio: 0.25 },
  { text: 'he said "no"' },
  { text: "back\\slash" },
  { text: "two\nlines" },
  { text: "a, b" },
  { text: "Zürich 東京 🚕" },
  { text: "x".repeat(200) },
];
