import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nanoUsdOf, usdText } from "./query-money.ts";

describe("money as text", () => {
  test.each([
    [0n, "0.000000000"],
    [1n, "0.000000001"],
    [-1n, "-0.000000001"],
    [1_687_500_000n, "1.687500000"],
    [-12_345_678_901n, "-12.345678901"],
    [123_456_789_012_345_678_901_234_567n, "123456789012345678.901234567"],
  ])("shows every nano-dollar of %s", (nanoUsd, text) => {
    expect(usdText(nanoUsd)).toBe(text);
  });

  test("comes back as it was, however large", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
        (nanoUsd) => nanoUsdOf(usdText(nanoUsd)) === nanoUsd,
      ),
    );
  });
});

describe("money read from a text", () => {
  test.each([
    ["0.06", 60_000_000n],
    ["0.8958740000000000", 895_874_000n],
    ["1.5e-7", 150n],
    ["2E3", 2_000_000_000_000n],
    ["-4.25", -4_250_000_000n],
    ["0.1", 100_000_000n],
    ["9007199254740993.000000001", 9_007_199_254_740_993_000_000_001n],
    ["0.0000000005", 1n],
    ["0.00000000049", 0n],
    ["-0.0000000015", -2n],
    [".5", 500_000_000n],
  ])("of dollars is exact: %s", (text, nanoUsd) => {
    expect(nanoUsdOf(text)).toBe(nanoUsd);
  });

  test.each([
    ["123.78912", 1_237_891_200n],
    ["0.00001", 100n],
    ["123.45", 1_234_500_000n],
  ])("of cents is exact: %s", (text, nanoUsd) => {
    expect(nanoUsdOf(text, 100)).toBe(nanoUsd);
  });

  test.each(["", ".", "-", "1,5", "0x10", "NaN", "Infinity", "1e999", "1 USD", "--1", "9".repeat(1e6)])(
    "is refused where it is no decimal",
    (text) => {
      expect(nanoUsdOf(text)).toBeUndefined();
    },
  );
});
