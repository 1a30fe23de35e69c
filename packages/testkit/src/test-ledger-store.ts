import { describe } from "vitest";
import type { LedgerStoreHarness } from "./harness.ts";
import { testKeeping } from "./keeping-contract.ts";
import { testLifecycle } from "./lifecycle-contract.ts";
import { testMoney } from "./money-contract.ts";
import { testReading } from "./reading-contract.ts";
import { testSums } from "./sums-contract.ts";
import { testValues } from "./values-contract.ts";
import { testWriting } from "./writing-contract.ts";

/**
 * The contract of a ledger store, as tests of Vitest: a store that passes may be billed from. Call it at the top of a test
 * file. It takes a real store, with its real database.
 *
 * @param name Of the store, as it stands in the names of the tests.
 */
export function testLedgerStore(name: string, harness: LedgerStoreHarness): void {
  describe(`the ledger store ${name}`, () => {
    describe("writing", () => {
      testWriting(harness);
    });
    describe("values", () => {
      testValues(harness);
    });
    describe("money", () => {
      testMoney(harness);
    });
    describe("sums", () => {
      testSums(harness);
    });
    describe("reading", () => {
      testReading(harness);
    });
    describe("keeping", () => {
      testKeeping(harness);
    });
    describe("opening and closing", () => {
      testLifecycle(harness);
    });
  });
}
