import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { rename, utimes } from "node:fs/promises";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { drain, numberedRow, numberedRows, numberOf } from "./support/spool-rows.ts";
import {
  filesOf,
  spoolDirectory,
  spoolProgram,
  startSpool,
  startSpoolProcess,
  watch,
} from "./support/spool-directory.ts";

// Processes start slowly on a busy machine, and there are many.
vi.setConfig({ testTimeout: 120_000 });

test("every batch that was acknowledged before a kill -9 is adopted whole, unchanged and in order, kill after kill", async () => {
  const directory = await spoolDirectory();
  const acknowledged: number[] = [];
  const delivered: number[] = [];
  for (let round = 0; round < 6; round += 1) {
    const writer = startSpoolProcess("write", directory, 1_000_000 * round);
    await writer.until((lines) => lines.length > 20 + 30 * round);
    await writer.kill();
    acknowledged.push(...writer.lines().flatMap((line) => numberedRows(Number(line), 7).map(numberOf)));

    const spool = startSpool(directory);
    const adoption = await spool.adopt();
    const rows = await drain(spool);
    expect(adoption).toMatchObject({ rows: rows.length, lost: 0 });
    expect(rows).toEqual(rows.map((row) => numberedRow(numberOf(row))));
    delivered.push(...rows.map(numberOf));
    expect(await filesOf(directory, "")).toEqual([]);
  }
  const ids = new Set(delivered);
  expect(acknowledged.filter((number) => !ids.has(number))).toEqual([]);
  expect(delivered).toEqual(delivered.toSorted((one, other) => one - other));
  expect(ids.size).toBe(delivered.length);
});

test("a kill -9 in the middle of taking over loses no row: the next one takes over from it", async () => {
  const directory = await spoolDirectory();
  for (let first = 0; first < 30_000; first += 1000) {
    const spool = startSpool(directory);
    await spool.append(numberedRows(first, 1000));
    await spool.close();
  }
  for (let round = 0; round < 3; round += 1) {
    const adopter = startSpoolProcess("adopt", directory, 1000);
    const taken = `~${adopter.child.pid}~`;
    await expect
      .poll(async () => (await filesOf(directory, "")).filter((file) => file.includes(taken)).length, {
        interval: 0,
        timeout: 30_000,
      })
      .toBeGreaterThan(0);
    await adopter.kill();
  }
  // Nothing was done with any of them, so all rows are still there.
  const spool = startSpool(directory);
  expect(await spool.adopt()).toMatchObject({ files: 30, rows: 30_000, damaged: 0 });
  expect(await drain(spool)).toEqual(numberedRows(0, 30_000));
});

test("of processes that adopt at the same time each takes other files, and together they take all", async () => {
  const directory = await spoolDirectory();
  const written: number[] = [];
  for (let first = 0; first < 6000; first += 1000) {
    const writer = startSpoolProcess("hold", directory, first);
    await writer.until((lines) => lines.length > 0);
    await writer.kill();
    written.push(...numberedRows(first, 10).map(numberOf));
  }
  const adopters = [1, 2, 3].map(() => startSpoolProcess("adopt", directory, 1));
  await Promise.all(adopters.map((adopter) => adopter.until((lines) => lines.includes("end"))));
  const lines = adopters.flatMap((adopter) => adopter.lines()).filter((line) => line.startsWith("rows "));
  const delivered = lines.flatMap((line) => line.slice(5).split(",").map(Number));
  expect(delivered.toSorted((one, other) => one - other)).toEqual(written);
});

test("a live process whose file is taken from under it writes what it was about to lose again", async () => {
  const directory = await spoolDirectory();
  const writer = startSpoolProcess("hold", directory, 0);
  await writer.until((lines) => lines.length === 1);
  const [taken = ""] = await filesOf(directory, ".segment");
  await rename(taken, taken.replace(/segment$/, "left"));
  writer.child.stdin?.write("more");
  await writer.until((lines) => lines.length === 2);

  const spool = startSpool(directory);
  expect(await spool.adopt()).toMatchObject({ files: 1 });
  const fromTaken = (await drain(spool)).map(numberOf);
  expect(fromTaken.slice(0, 10)).toEqual(numberedRows(0, 10).map(numberOf));

  await writer.kill();
  expect(await spool.adopt()).toMatchObject({ files: 1, rows: 10 });
  expect((await drain(spool)).map(numberOf)).toEqual(numberedRows(10, 10).map(numberOf));
});

test("the files of a process that lives are not touched", async () => {
  const directory = await spoolDirectory();
  const writer = startSpoolProcess("hold", directory, 0);
  await writer.until((lines) => lines.length === 1);
  const spool = startSpool(directory);
  expect(await spool.adopt()).toEqual({ rows: 0, files: 0, damaged: 0, lost: 0 });
});

test("rows that a SIGKILL took along are counted once, to the number", async () => {
  const directory = await spoolDirectory();
  const counters = [41, 1003].map((accepted) => startSpoolProcess("count", directory, accepted));
  await Promise.all(counters.map((counter) => counter.until((lines) => lines.length === 1)));
  const spool = startSpool(directory);
  expect(await spool.adopt()).toMatchObject({ lost: 0 });
  await Promise.all(counters.map((counter) => counter.kill()));
  expect(await spool.adopt()).toMatchObject({ lost: 41 - 3 + (1003 - 3) });
  expect(await spool.adopt()).toMatchObject({ lost: 0 });
  expect(await filesOf(directory, "")).toEqual([]);
});

test("rows given in an exit listener wait for the next process", async () => {
  const directory = await spoolDirectory();
  const leaving = startSpoolProcess("exit", directory, 500);
  await new Promise((resolve) => leaving.child.once("close", resolve));
  const spool = startSpool(directory);
  await spool.adopt();
  expect((await drain(spool)).map(numberOf)).toEqual(numberedRows(500, 10).map(numberOf));
});

test("another process under a dead one's id does not keep its rows from being adopted", async () => {
  const directory = await spoolDirectory();
  const file = await leftFile(directory);
  // Ours is the process id, but not the start time.
  const [place, , start, ...rest] = path.basename(file).split("~");
  const name = [place, String(process.pid), `${start}0`, ...rest].join("~").replace(/left$/, "segment");
  await rename(file, path.join(directory, name));
  const spool = startSpool(directory);
  // Without /proc nobody can tell, and age decides.
  const files = existsSync("/proc/self/stat") ? 1 : 0;
  expect(await spool.adopt()).toMatchObject({ files });
});

test("a process that is dead but not yet reaped by its parent counts as dead", async () => {
  const directory = await spoolDirectory();
  const script = '"$0" "$@" & echo "$!"; exec sleep 60';
  const parameters = [process.execPath, ...spoolProgram, "write", directory, "0"];
  const parent = watch(spawn("sh", ["-c", script, ...parameters], { stdio: ["ignore", "pipe", "inherit"] }));
  await parent.until((lines) => lines.length > 10);
  process.kill(Number(parent.lines()[0]), "SIGKILL");
  const spool = startSpool(directory);
  await expect.poll(async () => (await spool.adopt()).files, { timeout: 30_000 }).toBe(1);
  expect((await drain(spool)).length).toBeGreaterThan(0);
});

test("what a container elsewhere wrote is adopted when it has been silent for ten minutes, not before", async () => {
  const directory = await spoolDirectory();
  const file = await leftFile(directory);
  const [, ...rest] = path.basename(file).split("~");
  const elsewhere = path.join(directory, ["elsewhere.1", ...rest].join("~").replace(/left$/, "segment"));
  await rename(file, elsewhere);
  const spool = startSpool(directory);
  const ago = (minutes: number): Date => new Date(Date.now() - minutes * 60_000);
  await utimes(elsewhere, ago(9), ago(9));
  expect(await spool.adopt()).toMatchObject({ files: 0 });
  await utimes(elsewhere, ago(11), ago(11));
  expect(await spool.adopt()).toMatchObject({ files: 1, rows: 3 });
});

async function leftFile(directory: string): Promise<string> {
  const spool = startSpool(directory);
  await spool.append(numberedRows(0, 3));
  await spool.close();
  const [file = ""] = await filesOf(directory, ".left");
  return file;
}
