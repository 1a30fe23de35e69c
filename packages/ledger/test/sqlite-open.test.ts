import { readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { ledgerErrorReason } from "../src/ledger-error.ts";
import type { SqliteConnection } from "../src/sqlite/sqlite-driver.ts";
import { openDatabase } from "../src/sqlite/sqlite-open.ts";
import { sqliteMigrations } from "../src/sqlite/sqlite-schema.ts";
import { rollups, sums } from "../src/rollups.ts";
import { expectExactRollups, readDatabase } from "./support/sqlite-audit.ts";
import { databaseFile, openStore } from "./support/sqlite-directory.ts";
import { runProcess } from "./support/sqlite-process.ts";
import { usageRow, usageRows } from "./support/sqlite-rows.ts";

const version = "select user_version as version from pragma_user_version";
const newest = BigInt(sqliteMigrations.length);

function settings(file: string): Parameters<typeof openDatabase>[0] {
  return { file, busyTimeoutMillis: 5000, applicationDirectories: [] };
}

function addNote(connection: SqliteConnection): void {
  connection.execute("alter table usage_events add column note text; update usage_events set note = 'older'");
}

async function refusalOf(file: string): Promise<string> {
  const fault = await openStore({ file })
    .open()
    .catch((error: unknown) => error);
  expect(ledgerErrorReason(fault)).toBe("refused");
  return String(fault);
}

test("a database of a newer version is refused untouched, with both versions in the message", async () => {
  const file = databaseFile();
  await openStore({ file }).append(usageRows(3));
  openDatabase(settings(file), [...sqliteMigrations, addNote]).close();
  const content = readFileSync(file);
  expect(await refusalOf(file)).toContain(
    `its tables are of version ${newest + 1n}, and this @meterbridge/ledger knows versions up to ${newest}`,
  );
  expect(readFileSync(file).equals(content)).toBe(true);
});

test("a process that is still running when a newer one upgrades the tables writes nothing wrong", async () => {
  const file = databaseFile();
  const store = openStore({ file });
  await store.append(usageRows(3));
  openDatabase(settings(file), [...sqliteMigrations, addNote]).close();
  await expect(store.append(usageRows(3))).rejects.toThrow(`its tables have become version ${newest + 1n}`);
  expect(expectExactRollups(file)).toBe(3);
});

test("a database of an older version is upgraded, with its rows", async () => {
  const file = databaseFile();
  await openStore({ file }).append(usageRows(3));
  openDatabase(settings(file), [...sqliteMigrations, addNote, addIndex]).close();
  expect(readDatabase(file, version)).toEqual([{ version: newest + 2n }]);
  expect(readDatabase(file, "select distinct note from usage_events")).toEqual([{ note: "older" }]);
  expect(expectExactRollups(file)).toBe(3);

  function addIndex(connection: SqliteConnection): void {
    connection.execute("create index by_note on usage_events (note)");
  }
});

test("a database of version 1 gets the rollups of version 2 from its own", async () => {
  const [newer, file] = [databaseFile(), databaseFile()];
  const rows = usageRows(300).map((row, index) => ({ ...row, occurredAt: row.occurredAt - index * 5_000_000 }));
  const store = openStore({ file: newer });
  await store.append(rows);
  openDatabase(settings(file), sqliteMigrations.slice(0, 1)).close();
  const old = new DatabaseSync(file);
  old.exec(`attach '${newer}' as newer`);
  copyTables(old, ["usage_events", "usage_totals", "usage_days", "usage_quarters"]);
  old.exec(`insert into usage_hours select tenant, bucket_at / 3600000 * 3600000, project, kind, provider, model,
    ${sums.map((column) => `sum(${column})`).join(", ")}, max(updated_at) from usage_quarters group by 1, 2, 3, 4, 5, 6`);
  old.close();

  const upgraded = openStore({ file });
  await upgraded.open();
  expect(readDatabase(file, version)).toEqual([{ version: newest }]);
  expect(expectExactRollups(file)).toBe(300);
  expect(await upgraded.append([...rows, usageRow()])).toMatchObject({ written: 1, duplicates: 300 });
  expect(expectExactRollups(file)).toBe(301);
});

test("a database of version 2 gets the columns of version 3, and its rows stay", async () => {
  const [newer, file] = [databaseFile(), databaseFile()];
  const rows = usageRows(30);
  await openStore({ file: newer }).append(rows);
  openDatabase(settings(file), sqliteMigrations.slice(0, 2)).close();
  const old = new DatabaseSync(file);
  old.exec(`attach '${newer}' as newer`);
  copyTables(old, ["usage_events", ...rollups.map(({ table }) => table)]);
  old.close();

  const upgraded = openStore({ file });
  const row = usageRow({ tenant: "novel", responseModel: "gpt-5-2025-08-07", serviceTier: "flex" });
  expect(await upgraded.append([...rows, row])).toMatchObject({ written: 1, duplicates: 30 });
  expect(readDatabase(file, version)).toEqual([{ version: newest }]);
  expect(expectExactRollups(file)).toBe(31);
  expect(await upgraded.rows({ tenant: "novel", order: "newest-first", limit: 9 })).toEqual([row]);
  const before = "select count(*) as n from usage_events where response_model is null and service_tier is null";
  expect(readDatabase(file, before)).toEqual([{ n: 30n }]);
});

test("an upgrade that is killed half-way leaves the version before it, which the next process upgrades", async () => {
  const file = databaseFile();
  await openStore({ file }).append(usageRows(3));
  const half = new URL("./support/sqlite-half-migration.ts", import.meta.url);
  expect(await runProcess(half, [file]).ended).toEqual({ code: null, signal: "SIGKILL" });
  expect(readDatabase(file, version)).toEqual([{ version: newest }]);
  expect(expectExactRollups(file)).toBe(3);
  openDatabase(settings(file), [...sqliteMigrations, addNote]).close();
  expect(readDatabase(file, version)).toEqual([{ version: newest + 1n }]);
  expect(expectExactRollups(file)).toBe(3);
});

test("an upgrade that fails changes nothing, and the version before it goes on", async () => {
  const file = databaseFile();
  const store = openStore({ file });
  await store.append(usageRows(3));
  const failing = (connection: SqliteConnection): void => {
    connection.execute("delete from usage_events");
    connection.execute("delete from nothing_of_the_kind");
  };
  expect(() => openDatabase(settings(file), [...sqliteMigrations, failing])).toThrow("nothing_of_the_kind");
  await store.append([usageRow()]);
  expect(expectExactRollups(file)).toBe(4);
});

test("somebody else's database is refused and not touched", async () => {
  const file = databaseFile();
  const theirs = new DatabaseSync(file);
  theirs.exec("create table customers (name text); insert into customers values ('Ada')");
  theirs.close();
  const content = readFileSync(file);
  expect(await refusalOf(file)).toContain("this database belongs to something else");
  expect(readFileSync(file).equals(content)).toBe(true);
});

test.each([
  ["a database marked by another application", "pragma application_id = 7"],
  ["an empty database that another application versions", "pragma user_version = 7"],
])("%s is refused", async (_what, script) => {
  const file = databaseFile();
  const theirs = new DatabaseSync(file);
  theirs.exec(script);
  theirs.close();
  expect(await refusalOf(file)).toContain("this database belongs to something else");
});

test.each([
  ["a short text", Buffer.from("hello\n")],
  ["a long one", Buffer.alloc(100_000, "not a database ")],
])("%s where the database should be is refused and not touched", async (_what, content) => {
  const file = databaseFile();
  writeFileSync(file, content);
  expect(await refusalOf(file)).toContain("this is no SQLite database, or an encrypted one");
  expect(readFileSync(file).equals(content)).toBe(true);
});

test("an empty file becomes a ledger", async () => {
  const file = databaseFile();
  writeFileSync(file, "");
  expect(await openStore({ file }).append(usageRows(3))).toMatchObject({ written: 3 });
  expect(expectExactRollups(file)).toBe(3);
});

test("a damaged database says what can be done, and rows for it have to wait until that is done", async () => {
  const file = databaseFile();
  const store = openStore({ file });
  await store.append(usageRows(3000));
  await store.close();
  const content = readFileSync(file);
  content.fill(0x5a, 4096);
  writeFileSync(file, content);
  const fault = await openStore({ file })
    .append(usageRows(3))
    .catch((error: unknown) => error);
  expect(ledgerErrorReason(fault)).toBe("unavailable");
  expect(String(fault)).toContain("the database is damaged");
});

test("a fault at opening is over with the first call after it", async () => {
  const file = databaseFile();
  writeFileSync(file, "hello");
  const store = openStore({ file });
  await expect(store.open()).rejects.toThrow("no SQLite database");
  writeFileSync(file, "");
  await store.open();
  expect(await store.append(usageRows(3))).toMatchObject({ written: 3 });
  expect(expectExactRollups(file)).toBe(3);
});

/** From the attached newer database, whose tables may have more columns. */
function copyTables(database: DatabaseSync, tables: readonly string[]): void {
  for (const table of tables) {
    const found = database.prepare("select name from pragma_table_info(?, 'main')").all(table);
    const columns = found.map(({ name }) => String(name)).join(", ");
    database.exec(`insert into main.${table} (${columns}) select ${columns} from newer.${table}`);
  }
}
