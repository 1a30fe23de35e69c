import { expect, test } from "vitest";
import { sqlOperation } from "./database-statement.ts";

test.each([
  ["SELECT 1", "SELECT"],
  ["  \n\tselect * from users where name = 'x'", "SELECT"],
  ["(SELECT 1) UNION (SELECT 2)", "SELECT"],
  ["-- who asks\n/* and why */ INSERT INTO t VALUES (1)", "INSERT"],
  ["with recent as (select 1) delete from t", "WITH"],
  ["BEGIN", "BEGIN"],
  ["commit;", "COMMIT"],
])("%j is told as %s", (statement, operation) => {
  expect(sqlOperation(statement)).toBe(operation);
});

test.each([
  [""],
  ["   "],
  ["'4111 1111 1111 1111'"],
  ["ada@example.org"],
  ["selectivity"],
  ["/* never closed SELECT 1"],
  ["-- never ended SELECT 1"],
  ["/**/".repeat(100_000)],
  ["(".repeat(1_000_000)],
  [undefined],
  [{ text: "SELECT 1" }],
])("what is no word of SQL makes no label: %.30j", (statement) => {
  expect(sqlOperation(statement)).toBeUndefined();
});
