import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { countTokens } from "gpt-tokenizer";
import { getEncoding } from "js-tiktoken";
import { expect, onTestFinished, test, vi } from "vitest";
import { findTokenizer } from "./installed-tokenizer.ts";
import { createOutputMeasure } from "./output-measure.ts";
import { characterCounter, sampledCounter, type TokenCounter } from "./token-counter.ts";
import { tokenCounterOf } from "./tokenizer-option.ts";

const english = "The quick brown fox jumps over the lazy dog, and nobody minds. ".repeat(200);
const chinese = "敏捷的棕色狐狸跳过了懒狗，没有人介意。".repeat(200);
const code = 'export const answer = (items: readonly string[]) => items.map((item) => `${item}\\n`).join("");\n'.repeat(
  100,
);

test.each([
  ["English", english],
  ["Chinese", chinese],
  ["code", code],
])("by characters alone an estimate of %s is within the half and the double of the tokens", (_name, text) => {
  const tokens = estimate(characterCounter, text);
  expect(tokens / countTokens(text)).toBeGreaterThan(0.5);
  expect(tokens / countTokens(text)).toBeLessThan(2);
});

test.each([
  ["English", english],
  ["Chinese", chinese],
  ["code", code],
])("by a tokenizer over a sample an estimate of %s is within a tenth", (_name, text) => {
  const tokens = estimate(
    sampledCounter((sample) => countTokens(sample)),
    text,
  );
  expect(Math.abs(tokens / countTokens(text) - 1)).toBeLessThan(0.1);
});

test.each([
  [
    "throws",
    () => {
      throw new Error("no such model");
    },
  ],
  ["returns no number", () => Number.NaN],
  ["returns less than nothing", () => -1],
  ["is not there yet", () => undefined],
])("a tokenizer that %s leaves the estimate to the characters", (_name, count) => {
  expect(estimate(sampledCounter(count), english)).toBe(estimate(characterCounter, english));
});

test("a tokenizer is looked for when the first estimate is needed, in the background, and never twice", async () => {
  const found = Promise.withResolvers<(text: string) => number>();
  const find = vi.fn<() => Promise<(text: string) => number>>(() => found.promise);
  const counter = tokenCounterOf("auto", find);
  expect(find).not.toHaveBeenCalled();
  expect(estimate(counter, english)).toBe(estimate(characterCounter, english));
  found.resolve(() => 1);
  await found.promise;
  expect(estimate(counter, english)).toBeLessThan(20);
  expect(find).toHaveBeenCalledOnce();
});

test("a search for a tokenizer that fails leaves the characters", async () => {
  const counter = tokenCounterOf("auto", () => Promise.reject(new Error("broken")));
  estimate(counter, english);
  await new Promise((resolve) => setImmediate(resolve));
  expect(estimate(counter, english)).toBe(estimate(characterCounter, english));
});

test("a function of the caller's counts, with the model's name", () => {
  const counter = tokenCounterOf((text, model) => (model === "m" ? text.length : 0));
  expect(estimate(counter, "abcd")).toBe(4);
  expect(estimate(tokenCounterOf("characters"), "abcd")).toBe(1);
});

test("the tokenizer that an app depends on is found from the app's directory; what others brought along is not", async () => {
  // This package depends on it for its tests.
  const count = await findTokenizer(import.meta.dirname);
  expect(count?.("Hello there")).toBe(countTokens("Hello there"));
  const directory = mkdtempSync(path.join(tmpdir(), "tokenizer-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  mkdirSync(path.join(directory, "node_modules/js-tiktoken"), { recursive: true });
  writeFileSync(path.join(directory, "node_modules/js-tiktoken/index.js"), "throw new Error('loaded')");
  writeFileSync(path.join(directory, "package.json"), "{}");
  expect(await findTokenizer(directory)).toBeUndefined();
  // It is named, but broken.
  writeFileSync(path.join(directory, "package.json"), '{"dependencies":{"js-tiktoken":"1"}}');
  expect(await findTokenizer(directory)).toBeUndefined();
  writeFileSync(path.join(directory, "package.json"), "not JSON");
  expect(await findTokenizer(directory)).toBeUndefined();
});

test("an app's js-tiktoken counts by the newest encoding that its version knows, special tokens as the text they are", async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "tokenizer-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  mkdirSync(path.join(directory, "node_modules"));
  const installed = path.join(import.meta.dirname, "../../node_modules/js-tiktoken");
  symlinkSync(installed, path.join(directory, "node_modules/js-tiktoken"));
  writeFileSync(path.join(directory, "package.json"), '{"dependencies":{"js-tiktoken":"1"}}');
  const count = await findTokenizer(directory);
  expect(count?.("Hello there")).toBe(getEncoding("cl100k_base").encode("Hello there").length);
  expect(count?.("<|endoftext|>")).toBeGreaterThan(1);
});

/** What passes is measured as it is written in JSON, as in a stream. */
function estimate(counter: TokenCounter, text: string): number {
  const output = createOutputMeasure();
  const bytes = Buffer.from(JSON.stringify(text));
  expect(output.measure(bytes, 1, bytes.length)).toBe(bytes.length - 1);
  expect(output.characters()).toBe(text.length);
  return counter.tokens(output.amount(), "m", output.sample());
}
