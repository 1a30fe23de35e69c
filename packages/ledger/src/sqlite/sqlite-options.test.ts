import path from "node:path";
import { expect, test } from "vitest";
import { resolveSqliteOptions, type SqliteStoreOptions } from "./sqlite-options.ts";

test("a relative file is meant from the working directory at the time of the call", () => {
  const settings = resolveSqliteOptions({ file: "data/ledger.db" });
  expect(settings).toMatchObject({ file: path.join(process.cwd(), "data/ledger.db"), busyTimeoutMillis: 5000 });
});

test.each([
  [undefined, `options must be an object, found undefined`],
  ["ledger.db", `options must be an object, found "ledger.db"`],
  [{}, `option "file" is missing`],
  [{ file: "" }, `option "file" must be the path of a database file on disk, found ""`],
  [{ file: ":memory:" }, `option "file" must be the path of a database file on disk, found ":memory:"`],
  [
    { file: "file:x?mode=memory" },
    `option "file" must be the path of a database file on disk, found "file:x?mode=memory"`,
  ],
  [{ file: "data/" }, `option "file" must be the path of a database file on disk, found "data/"`],
  [{ file: "a\0b" }, `option "file" must be the path of a database file on disk, found "a\\u0000b"`],
  [{ file: 7 }, `option "file" must be the path of a database file on disk, found 7`],
  [
    { file: "a", busyTimeoutMillis: -1 },
    `option "busyTimeoutMillis" must be a whole number from 0 to 600000, found -1`,
  ],
  [
    { file: "a", busyTimeoutMillis: "1" },
    `option "busyTimeoutMillis" must be a whole number from 0 to 600000, found "1"`,
  ],
  [{ file: "a", path: "b" }, `option "path" is unknown, the options are file, busyTimeoutMillis`],
])("wrong options %j are told by name, with what was found and what is allowed", (options, message) => {
  const resolve = (): unknown => resolveSqliteOptions(options as unknown as SqliteStoreOptions);
  expect(resolve).toThrow(new Error(`[meterbridge] [ledger] [sqlite] ${message}`));
});
