import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { sqliteStore } from "../src/sqlite/sqlite-store.ts";
import { expectExactRollups, readDatabase } from "./support/sqlite-audit.ts";
import { databaseFile, openStore, temporaryDirectory } from "./support/sqlite-directory.ts";
import { runProcess } from "./support/sqlite-process.ts";
import { usageRows } from "./support/sqlite-rows.ts";

const writer = new URL("./support/sqlite-writer.ts", import.meta.url);
const opener = new URL("./support/sqlite-opener.ts", import.meta.url);

test("kill -9 of a writing process, again and again, loses no acknowledged row and leaves no rollup half-written", async () => {
  const file = databaseFile();
  const acknowledged = new Set<string>();
  for (let round = 0; round < 10; round++) {
    const { child, stdout, ended } = runProcess(writer, [file]);
    await expect.poll(() => stdout().length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(0);
    await sleep(20 + round * 17);
    child.kill("SIGKILL");
    expect((await ended).signal).toBe("SIGKILL");
    // The last line may have been cut.
    for (const line of stdout().split("\n").slice(0, -1)) acknowledged.add(line);
    const found = readDatabase(file, "select tenant || ' ' || event_id as row from usage_events");
    const rows = new Set(found.map(({ row }) => row));
    expect([...acknowledged].filter((row) => !rows.has(row))).toEqual([]);
    // What was under way when it died, at most.
    expect(rows.size - acknowledged.size).toBeLessThanOrEqual((round + 1) * 150);
    expectExactRollups(file);
  }
  expect(acknowledged.size).toBeGreaterThan(500);
  expect(await openStore({ file }).append(usageRows(5))).toMatchObject({ written: 5 });
  expectExactRollups(file);
}, 120_000);

test("kill -9 while the database is being made leaves none, or one that the next process completes", async () => {
  for (let round = 0; round < 12; round++) {
    const file = databaseFile();
    const { child, ended } = runProcess(opener, [file]);
    // From the moment that the file is there, its tables take a few milliseconds.
    await expect.poll(() => existsSync(file), { timeout: 20_000, interval: 1 }).toBe(true);
    await sleep(round);
    child.kill("SIGKILL");
    await ended;
    const store = sqliteStore({ file });
    expect(await store.append(usageRows(5))).toMatchObject({ written: 5 });
    await store.close();
    expect(expectExactRollups(file)).toBeLessThanOrEqual(6);
  }
}, 120_000);

test("two processes that write one file at once lose and double nothing", async () => {
  const file = databaseFile();
  const writers = [runProcess(writer, [file, "2"]), runProcess(writer, [file, "2"])];
  const ends = await Promise.all(writers.map(({ ended }) => ended));
  expect(ends.map(({ code }) => code)).toEqual([0, 0]);
  const acknowledged = writers.map(({ stdout }) => stdout().split("\n").length - 1);
  for (const rows of acknowledged) expect(rows).toBeGreaterThan(100);
  expect(expectExactRollups(file)).toBe(acknowledged.reduce((sum, rows) => sum + rows));
}, 60_000);

test("four processes that make one database at the same moment all succeed", async () => {
  const file = databaseFile();
  const openers = Array.from({ length: 4 }, () => runProcess(opener, [file]));
  const ends = await Promise.all(openers.map(({ ended }) => ended));
  expect(openers.map(({ stderr }) => stderr())).toEqual(["", "", "", ""]);
  expect(ends.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  expect(expectExactRollups(file)).toBe(4);
}, 60_000);

test("not even at the very same millisecond, a hundred times over, does one fail to open what another is making", async () => {
  const directory = temporaryDirectory();
  const start = Date.now() + 1500;
  const racer = new URL("./support/sqlite-racer.ts", import.meta.url);
  const racers = Array.from({ length: 4 }, () => runProcess(racer, [directory, String(start)]));
  const ends = await Promise.all(racers.map(({ ended }) => ended));
  expect(racers.map(({ stdout }) => stdout())).toEqual(["", "", "", ""]);
  expect(ends.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
}, 60_000);
