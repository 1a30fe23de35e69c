import { expect, test } from "vitest";
import { valuesOf } from "../ledger-columns.ts";
import { batchWidth, decodeBatch, encodeBatch } from "./sqlite-batch.ts";
import { usageRow } from "../../test/support/sqlite-rows.ts";

test("no value of a row lands in the column of another", () => {
  const plain = usageRow();
  const fields = Object.keys(plain) as (keyof typeof plain)[];
  const unique: Partial<typeof plain> = { costNanoUsd: -8_999_999_999_999_999n, isSuccess: false };
  // Each field once with a value that no other has.
  for (const field of fields) {
    const rows = [plain, { ...plain, [field]: unique[field] ?? `only ${field}` }];
    expect(decodeBatch(encodeBatch(rows))).toEqual(rows.flatMap(valuesOf).map(withoutBooleans));
  }
  expect(batchWidth).toBe(fields.length);
});

function withoutBooleans(value: unknown): unknown {
  return typeof value === "boolean" ? Number(value) : value;
}
