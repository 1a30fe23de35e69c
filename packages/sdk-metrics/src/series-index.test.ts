import type { Attributes } from "@opentelemetry/api";
import fc from "fast-check";
import { expect, test } from "vitest";
import { attributeSet } from "../test/random-program.ts";
import { createSeriesIndex, findClean, findSeries, insertSeries, removeSeries } from "./series-index.ts";

/** Equal for equal attributes in any order. */
function textOf(attributes: Attributes): string {
  return JSON.stringify(Object.entries(attributes).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

const step = fc.record({ take: fc.nat(40), turned: fc.boolean(), removes: fc.boolean() });

/** Of few values, so that many series share a table. */
const tenantAndModel = fc.record({ tenant: fc.nat(7), model: fc.nat(3) });
const attributeSets = fc.oneof(
  fc.array(attributeSet, { minLength: 1, maxLength: 30 }),
  fc.array(tenantAndModel, { minLength: 1, maxLength: 30 }),
);

test("a series is found under its attributes in any order, and never under others, whatever came and went", () => {
  fc.assert(
    fc.property(attributeSets, fc.array(step, { maxLength: 120 }), (sets, steps) => {
      const index = createSeriesIndex();
      const model = new Map<string, number>();
      let slots = 0;
      for (const { take, turned, removes } of steps) {
        const set = sets[take % sets.length]!;
        const asked = turned ? Object.fromEntries(Object.entries(set).toReversed()) : set;
        const expected = model.get(textOf(set));
        const found = findSeries(index, asked);
        // Not found at once is no mistake: a new order, or a list.
        if (found >= 0 || expected === undefined) expect(found).toBe(expected ?? -1);
        expect(findClean(index, asked)).toBe(expected ?? -1);
        if (expected === undefined) {
          model.set(textOf(set), slots);
          insertSeries(index, asked, slots++);
        } else if (removes) {
          model.delete(textOf(set));
          removeSeries(index, asked);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("100,000 series with ever new values are found, and leave nothing behind when they are removed", () => {
  const index = createSeriesIndex();
  const set = (at: number): Attributes => ({ tenant: `tenant-${at}`, model: `model-${at % 7}`, cached: at % 2 === 0 });
  for (let at = 0; at < 100_000; at++) insertSeries(index, set(at), at);
  for (let at = 0; at < 100_000; at += 97) expect(findSeries(index, set(at))).toBe(at);
  expect(findSeries(index, { tenant: "tenant-0", model: "model-1", cached: true })).toBe(-1);
  for (let at = 0; at < 100_000; at++) removeSeries(index, set(at));
  expect([index.tables.size, index.values.size]).toEqual([0, 0]);
});

test("the only value of a key that is removed is not taken for the next one", () => {
  const index = createSeriesIndex();
  insertSeries(index, { tenant: "a", model: "m" }, 1);
  insertSeries(index, { tenant: "b", model: "m" }, 2);
  removeSeries(index, { tenant: "a", model: "m" });
  removeSeries(index, { tenant: "b", model: "m" });
  insertSeries(index, { tenant: "a", model: "n" }, 3);
  expect(findSeries(index, { tenant: "a", model: "m" })).toBe(-1);
  expect(findSeries(index, { tenant: "a", model: "n" })).toBe(3);
});

test("a getter that makes new series in the middle of a walk does not lead it to another series", () => {
  const index = createSeriesIndex();
  for (let at = 0; at < 32; at++) insertSeries(index, { tenant: at % 8, model: Math.floor(at / 8) }, at);
  let slot = 32;
  const attributes = {
    tenant: 5,
    get model() {
      // Each new power of two of tenants lays all positions out anew.
      for (let many = slot * 2; slot < many; slot++) insertSeries(index, { tenant: slot, model: 0 }, slot);
      return 2;
    },
  };
  for (let turn = 0; turn < 5; turn++) expect([-1, 21]).toContain(findSeries(index, attributes));
  expect(findClean(index, { tenant: 5, model: 2 })).toBe(21);
});

test("a getter that looks another series up in the middle of a walk does not lead it there", () => {
  const index = createSeriesIndex();
  const set = (at: number): Attributes => ({ a: `a-${at}`, b: `b-${at}`, c: `c-${at}`, d: `d-${at}`, e: `e-${at}` });
  for (let at = 0; at < 300; at++) insertSeries(index, set(at), at);
  for (const at of [1, 2]) expect(findClean(index, set(at))).toBe(at);
  const attributes = Object.defineProperty(set(1), "e", {
    enumerable: true,
    get: () => {
      expect(findSeries(index, set(2))).toBe(2);
      return "e-2";
    },
  });
  expect(findSeries(index, attributes)).toBe(-1);
});

test("series with more different values than fit one integer are found in any order, and removed", () => {
  const index = createSeriesIndex();
  const set = (at: number, turn: number): Attributes => {
    const entries = ["a", "b", "c", "d", "e"].map((key) => [key, `${key}-${at}`]);
    return Object.fromEntries([...entries.slice(turn), ...entries.slice(0, turn)]) as Attributes;
  };
  for (let at = 0; at < 300; at++) insertSeries(index, set(at, 0), at);
  expect(index.isPacked).toBe(false);
  for (let at = 0; at < 300; at += 2) removeSeries(index, set(at, 1));
  for (let at = 0; at < 300; at++) {
    for (let turn = 0; turn < 5; turn++) expect(findClean(index, set(at, turn))).toBe(at % 2 === 0 ? -1 : at);
    for (let turn = 0; turn < 5; turn++) expect(findSeries(index, set(at, turn))).toBe(at % 2 === 0 ? -1 : at);
  }
});

test("an object whose keys come in ever new orders costs no memory that grows", () => {
  const index = createSeriesIndex();
  const keys = ["a", "b", "c", "d", "e", "f", "g"];
  insertSeries(index, Object.fromEntries(keys.map((key) => [key, 1])), 5);
  for (let turn = 0; turn < 5040; turn++) {
    const left = [...keys];
    let rest = turn;
    const order = keys.map((_, at) => {
      const [key] = left.splice(rest % (7 - at), 1);
      rest = Math.floor(rest / (7 - at));
      return [key, 1];
    });
    expect(findClean(index, Object.fromEntries(order) as Attributes)).toBe(5);
    expect(index.steps).toBeLessThanOrEqual(2000);
  }
});
