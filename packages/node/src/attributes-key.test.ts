import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { attributesKey } from "./attributes-key.ts";

// Few characters, those of the key's own format, so that a clash would be found.
const text = fc.string({ unit: fc.constantFrom("a", "1", ":", "s"), maxLength: 4 });
const attributeValue = fc.oneof(
  text,
  fc.integer(),
  fc.boolean(),
  fc.array(text, { maxLength: 3 }),
  fc.array(fc.integer(), { maxLength: 3 }),
);
const attributeEntries = fc.uniqueArray(fc.tuple(text, attributeValue), {
  maxLength: 5,
  selector: ([name]) => name,
});

test("attributes given in another order are the same series", () => {
  fc.assert(
    fc.property(attributeEntries, (entries) => {
      expect(attributesKey(Object.fromEntries(entries.toReversed()))).toBe(attributesKey(Object.fromEntries(entries)));
    }),
  );
});

test("a frozen attribute object is the same series as a fresh one, each time", () => {
  const frozen = Object.freeze({ tenant: "a", model: "m" });
  const other = Object.freeze({ tenant: "b", model: "m" });
  for (let time = 0; time < 2; time++) {
    expect(attributesKey(frozen)).toBe(attributesKey({ model: "m", tenant: "a" }));
    expect(attributesKey(other)).not.toBe(attributesKey(frozen));
  }
});

test("two different attribute sets are never taken for one series", () => {
  fc.assert(
    fc.property(attributeEntries, attributeEntries, (left, right) => {
      fc.pre(!isDeepStrictEqual(Object.fromEntries(left), Object.fromEntries(right)));
      expect(attributesKey(Object.fromEntries(left))).not.toBe(attributesKey(Object.fromEntries(right)));
    }),
    { numRuns: 2000 },
  );
});

test("a value that spells out another attribute does not become that attribute", () => {
  const honest = attributesKey({ a: "1", b: "2" });
  for (const forged of ["1b2", "1:bs1:2", "11:bs1:2", '1","b":"2', "1\u0000b\u00002"]) {
    expect(attributesKey({ a: forged })).not.toBe(honest);
  }
  expect(attributesKey({ a: "1" })).not.toBe(attributesKey({ a: 1 }));
  expect(attributesKey({ a: "true" })).not.toBe(attributesKey({ a: true }));
});

test("a value that is no attribute at all gets a key instead of an exception", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  const attributes = Object.fromEntries([
    ["nothing", undefined],
    ["function", () => 1],
    ["symbol", Symbol("x")],
    ["bigint", 1n],
    ["cyclic", cyclic],
  ]);
  Object.defineProperty(attributes, "getter", {
    enumerable: true,
    get() {
      throw new Error("hostile");
    },
  });
  expect(typeof attributesKey(attributes)).toBe("string");
  expect(attributesKey(Object.fromEntries([["a", 1n]]))).not.toBe(attributesKey(Object.fromEntries([["a", 2n]])));
});
