import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { ledgerColumns } from "../ledger-columns.ts";
import { rollups, sums } from "../rollups.ts";
import { rollupKey } from "./sqlite-append.ts";
import { sqliteMigrations } from "./sqlite-schema.ts";

function columnsOf(table: string): { name: string; type: string; nullable: boolean; key: number }[] {
  const database = new DatabaseSync(":memory:");
  const connection = {
    execute: (script: string) => database.exec(script),
    prepareChange: () => () => 0,
    prepareQuery: () => () => [],
    close: () => {},
  };
  for (const migrate of sqliteMigrations) migrate(connection);
  const found = database.prepare("select * from pragma_table_info(?)").all(table);
  database.close();
  return found.map(({ name, type, notnull, pk }) => ({
    name: String(name),
    type: String(type).toLowerCase(),
    nullable: notnull === 0,
    key: Number(pk),
  }));
}

test("the migrations make the columns that rows have, of their types", () => {
  const expected = ledgerColumns.map(({ column, type, nullable }, index) => ({
    name: column,
    type: type === "text" ? "text" : "integer",
    nullable,
    key: index < 2 ? index + 1 : 0,
  }));
  const recordedAt = { name: "recorded_at", type: "integer", nullable: false, key: 0 };
  expect(columnsOf("usage_events").toSorted(byName)).toEqual([...expected, recordedAt].toSorted(byName));
});

test.each(rollups)("the migrations make $table with the key and the sums that rollups have", (rollup) => {
  const key = rollupKey(rollup);
  const expected = [...key, ...sums, "updated_at"].map((name, index) => ({
    name,
    type: index < key.length && name !== "bucket_at" ? "text" : "integer",
    nullable: false,
    key: index < key.length ? index + 1 : 0,
  }));
  expect(columnsOf(rollup.table)).toEqual(expected);
});

function byName(one: { name: string }, other: { name: string }): number {
  return one.name < other.name ? -1 : 1;
}
