import type { Attributes } from "@opentelemetry/api";
import { describe, expect, test } from "vitest";
import { kindsOf } from "./delivery-contract.ts";
import {
  type ContractKind,
  contractMeters,
  eventually,
  type ExporterBackend,
  type ExporterHarness,
  faults,
  type Reading,
  withExporter,
} from "./exporter-harness.ts";

/** An exporter under its name in the tests. */
export interface ParityMember<Backend extends ExporterBackend = ExporterBackend> {
  readonly name: string;
  readonly harness: ExporterHarness<Backend>;
}

/**
 * One workload for every exporter, and the same totals of every series at every backend, to the last unit: once while all is well, and once
 * for each way in which a backend can be away meanwhile. As tests of Vitest; the harnesses are those of {@link testExporter}.
 */
export function testParity(members: readonly ParityMember[]): void {
  for (const { name, harness } of members) {
    describe(`the totals that ${name} delivers`, () => {
      const kinds = kindsOf(harness);
      test("are those that were recorded", () => expectTotals(harness, kinds, []));

      for (const fault of (harness.faults ?? faults).filter((each) => !isTaken.has(each))) {
        test(`are those that were recorded, though its backend ${fault} twice meanwhile`, () =>
          expectTotals(harness, kinds, [2, 5], fault));
      }
    });
  }
}

/** With these the backend has what it was sent. */
const isTaken: ReadonlySet<string> = new Set(["answers with garbage", "rejects a part"]);

const rounds = 8;

async function expectTotals(
  harness: ExporterHarness,
  kinds: readonly ContractKind[],
  badRounds: readonly number[],
  fault?: (typeof faults)[number],
): Promise<void> {
  await withExporter(harness, async ({ backend, reader, record }) => {
    const expected = new Map<string, Expected>();
    const random = sequence();
    for (let round = 0; round < rounds; round++) {
      if (badRounds.includes(round)) await backend.misbehave?.(fault);
      for (let step = 0; step < 40; step++) {
        const kind = kinds[random() % kinds.length]!;
        // The last series begins while the backend is away, others are not recorded in every round.
        const attributes = labels[random() % (round < 2 ? labels.length - 1 : labels.length)]!;
        const value = valueOf(kind, random());
        record(contractMeters[kind], value, attributes);
        add(expected, kind, attributes, value);
      }
      await reader.forceFlush();
      if (badRounds.includes(round)) await backend.misbehave?.(undefined);
    }

    let found: Record<string, Reading | undefined> = {};
    const wanted = Object.fromEntries([...expected].map(([key, { reading }]) => [key, reading]));
    await eventually(async () => {
      await reader.forceFlush();
      found = {};
      for (const [key, { kind, attributes }] of expected) {
        found[key] = await backend.read(contractMeters[kind], attributes);
      }
      return JSON.stringify(found) === JSON.stringify(wanted);
    });
    expect(found).toEqual(wanted);
    expect(Object.keys(wanted).length).toBe(kinds.length * labels.length);
  });
}

/** As labels come: quotes, line breaks, other scripts, numbers, nothing at all. */
const labels: readonly Attributes[] = [
  {},
  { tenant: "acme" },
  { tenant: "globex", status: 200 },
  { tenant: 'the "best"', cached: true },
  { tenant: "back\\slash\nline" },
  { tenant: "Zürich 東京 🚕", "user.kind": "guest" },
  { tenant: "late" },
];

interface Expected {
  readonly kind: ContractKind;
  readonly attributes: Attributes;
  readonly reading: Reading;
}

/** What plain arithmetic makes of it. */
function add(expected: Map<string, Expected>, kind: ContractKind, attributes: Attributes, value: number): void {
  const key = `${kind} ${JSON.stringify(attributes)}`;
  const before = expected.get(key)?.reading;
  expected.set(key, { kind, attributes, reading: withValue(kind, before, value) });
}

function withValue(kind: ContractKind, before: Reading | undefined, value: number): Reading {
  if (kind === "gauge") return value;
  if (kind === "histogram" || kind === "exponentialHistogram") {
    const { count, sum } = typeof before === "object" ? before : { count: 0, sum: 0 };
    return { count: count + 1, sum: sum + value };
  }
  return (typeof before === "number" ? before : 0) + value;
}

/** Eighths, which add up exactly in any order; those of up-down counters go down, too. */
function valueOf(kind: ContractKind, random: number): number {
  const value = (random % 8000) / 8;
  return kind === "upDownCounter" ? value - 500 : value;
}

/** The same numbers for every exporter (the generator of Numerical Recipes). */
function sequence(): () => number {
  let state = 20_261_121;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // The lower bits repeat soon.
    return state >>> 8;
  };
}
