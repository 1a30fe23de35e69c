import { renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { usageEvent } from "@meterbridge/testkit";
import { expect, test } from "vitest";
import { createLedger } from "../src/ledger.ts";
import { openSpool } from "../src/spool/spool.ts";
import { openStore, temporaryDirectory } from "./support/sqlite-directory.ts";

// What is wrong with the database is no fault of the events, however often they are sent.

test.each([
  ["a newer process upgraded its tables", (file: string) => execute(file, "pragma user_version = 99")],
  ["somebody dropped one of its tables", (file: string) => execute(file, "drop table usage_kind_hours")],
  ["it was replaced by another program's", (file: string) => replace(file, "create table theirs (name text)")],
  ["it was replaced by something else", (file: string) => writeOver(file)],
])("no event is refused because %s: it waits in the spool", async (_what, spoil) => {
  const directory = temporaryDirectory();
  const file = path.join(directory, "ledger.db");
  const ledger = createLedger({
    store: openStore({ file }),
    spool: openSpool({ directory: path.join(directory, "spool") }),
  });
  ledger.write(usageEvent({}));
  expect(await ledger.flush()).toBe(true);
  spoil(file);
  for (let index = 0; index < 3; index++) ledger.write(usageEvent({}));
  await ledger.flush();
  expect(ledger.status()).toMatchObject({ written: 1, refused: 0, lost: 0, waiting: 3, state: "down" });
  await ledger.close();
});

function execute(file: string, script: string): void {
  const database = new DatabaseSync(file);
  database.exec(script);
  database.close();
}

function replace(file: string, script: string): void {
  execute(`${file}.new`, script);
  putInPlace(file);
}

function writeOver(file: string): void {
  writeFileSync(`${file}.new`, "no database at all, but a text that is long enough".repeat(100));
  putInPlace(file);
}

function putInPlace(file: string): void {
  for (const ending of ["-wal", "-shm"]) rmSync(file + ending, { force: true });
  renameSync(`${file}.new`, file);
}
