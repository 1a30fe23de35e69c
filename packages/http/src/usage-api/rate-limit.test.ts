import { expect, test } from "vitest";
import { createRateLimit } from "./rate-limit.ts";

test("as many as a minute allows may come at once, and one more each time one came free", () => {
  let now = 0;
  const limit = createRateLimit(60, () => now);
  const taken = (): number => limit.take("a");
  for (let request = 0; request < 60; request++) expect(taken()).toBe(0);
  expect(taken()).toBe(1);
  now = 999;
  expect(taken()).toBe(1);
  now = 1001;
  expect(taken()).toBe(0);
  expect(taken()).toBe(1);
  now = 10 * 60_000;
  for (let request = 0; request < 60; request++) expect(taken()).toBe(0);
  expect(taken()).toBe(1);
});

test("asking while it is too much does not put off the time when it is not", () => {
  let now = 0;
  const limit = createRateLimit(1, () => now);
  expect(limit.take("a")).toBe(0);
  for (now = 0; now < 60_000; now += 100) {
    expect(Math.abs(limit.take("a") - (60_000 - now) / 1000)).toBeLessThanOrEqual(1.001);
  }
  now = 60_001;
  expect(limit.take("a")).toBe(0);
});

test("each who asks has an allowance of its own", () => {
  const limit = createRateLimit(1, () => 0);
  expect([limit.take("a"), limit.take("b"), limit.take("a")]).toEqual([0, 0, 60]);
});

test("strangers without number are not remembered, and whoever asked lately is", () => {
  const limit = createRateLimit(1, () => 0);
  limit.take("first");
  for (let stranger = 0; stranger < 50_000; stranger++) {
    limit.take(`stranger ${stranger}`);
    if (stranger % 1000 === 0) expect(limit.take("first")).toBe(60);
  }
  expect(limit.take("stranger 0")).toBe(0);
  expect(limit.take("stranger 49999")).toBe(60);
});

test("0 is no limit", () => {
  const limit = createRateLimit(0);
  for (let request = 0; request < 10_000; request++) expect(limit.take("a")).toBe(0);
});
