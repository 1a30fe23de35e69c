import { expect, test } from "vitest";
import { createDistinctCount, exactBound, type DistinctCount } from "./distinct-count.ts";

const idShapes: readonly (readonly [name: string, id: (index: number) => string])[] = [
  ["numbers", String],
  ["numbers with a prefix", (index) => `user-${index}`],
  ["padded numbers", (index) => `u${String(index).padStart(12, "0")}`],
  ["mail addresses", (index) => `person.${index}@example.com`],
  ["ids that differ at the front", (index) => `${index.toString(36)}-0190b3c5-7000-8000-000000000000`],
];

test.each(idShapes)("%s are counted exactly up to the bound, however often each is seen", (_name, id) => {
  const distinct = createDistinctCount();
  for (let index = 0; index < exactBound; index++) {
    distinct.add(id(index));
    distinct.add(id(index));
    if (index % 100 === 0) expect(distinct.count()).toBe(index + 1);
  }
  expect(distinct.count()).toBe(exactBound);
});

test.each(idShapes)("a million users whose ids are %s are counted within five per cent all the way", (_name, id) => {
  const distinct = createDistinctCount();
  const errors: string[] = [];
  let next = 1000;
  for (let index = 1; index <= 1_000_000; index++) {
    distinct.add(id(index));
    if (index !== next) continue;
    if (Math.abs(distinct.count() / index - 1) > 0.05) errors.push(`${index} counted as ${distinct.count()}`);
    next = Math.min(1_000_000, Math.floor(next * 1.15));
  }
  expect(errors).toEqual([]);
});

test.each([600, 3000, 10_000, 12_000, 40_000])("%i users are not counted too many or too few on average", (users) => {
  const errors = Array.from({ length: 40 }, (_, round) => {
    const distinct = createDistinctCount();
    for (let index = 0; index < users; index++) distinct.add(`${round}-${index}`);
    return distinct.count() / users - 1;
  });
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length);
  expect(Math.abs(mean)).toBeLessThan(0.006);
  expect(deviation).toBeLessThan(0.02);
});

test("counters that saw overlapping users merge into one that counts each once, exact or not, either way round", () => {
  const seeing = ([from, to]: readonly [number, number]): DistinctCount => {
    const distinct = createDistinctCount();
    for (let index = from; index < to; index++) distinct.add(`user-${index}`);
    return distinct;
  };
  const overlaps: readonly (readonly [[number, number], [number, number], number])[] = [
    [[0, 300], [200, 400], 400],
    [[0, 300], [200, 600], 600],
    [[0, 100], [50, 20_000], 20_000],
    [[50, 20_000], [0, 100], 20_000],
    [[0, 30_000], [20_000, 50_000], 50_000],
  ];
  for (const [first, second, union] of overlaps) {
    const merged = seeing(first);
    merged.merge(seeing(second));
    const atOnce = seeing([0, union]);
    // The same state as if one counter had seen all: merging loses nothing.
    expect(merged.state).toEqual(atOnce.state);
  }
});

test("memory stays the same for any number of users, and holds no id", () => {
  const distinct = createDistinctCount();
  for (let index = 0; index < 100_000; index++) distinct.add(`secret-${index}`);
  expect(distinct.state.exact).toBeNull();
  expect(distinct.state.registers).toHaveLength(4096);
  expect(JSON.stringify(distinct)).not.toContain("secret");
  distinct.clear();
  expect(distinct.count()).toBe(0);
  distinct.add("one");
  expect(distinct.count()).toBe(1);
});
