import { expect, test } from "vitest";
import { warnsAboutSqlite } from "./sqlite-driver.ts";

test.each([
  ["22.15.0", true],
  ["22.22.0", true],
  ["24.14.1", true],
  ["24.15.0", false],
  ["25.6.0", true],
  ["25.7.0", false],
  ["26.0.0", false],
])("on Node.js %s, whether its SQLite would warn on stderr is %s", (version, warns) => {
  expect(warnsAboutSqlite(version)).toBe(warns);
});
