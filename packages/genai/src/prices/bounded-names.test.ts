import { expect, test } from "vitest";
import { createNameCache } from "./bounded-names.ts";

test("names from outside never hold more memory than the limit, and each is made once as long as there is room", () => {
  let made = 0;
  const find = createNameCache(3, (provider, model) => ({ what: `${provider}/${model}`, number: ++made }));
  const numbers = (...models: readonly string[]): number[] => models.map((model) => find("p", model).number);
  expect(numbers("a", "b", "c", "a", "b", "c")).toEqual([1, 2, 3, 1, 2, 3]);
  expect(find("q", "a")).toEqual({ what: "q/a", number: 4 });
  // The fourth had no room beside the others, which are made anew.
  expect(find("q", "a").number).toBe(4);
  expect(numbers("a", "b")).toEqual([5, 6]);
  expect(find("q", "a").number).toBe(4);
  expect(numbers("c")).toEqual([7]);
});

test("a model called like a part of JavaScript is a model like any other", () => {
  const find = createNameCache(9, (provider, model) => `${provider} ${model}`);
  expect([find("__proto__", "constructor"), find("constructor", "__proto__")]).toEqual([
    "__proto__ constructor",
    "constructor __proto__",
  ]);
});
