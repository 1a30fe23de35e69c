import { closeSync, readdirSync, readlinkSync } from "node:fs";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { toldLines } from "../../test/support/spool-diag.ts";
import { spoolDirectory } from "../../test/support/spool-directory.ts";
import { lostBy, openTally } from "./tally.ts";

test("the file says at every moment how many rows a kill would take along, past 32 bits too", async () => {
  const directory = await spoolDirectory();
  const tally = openTally(directory);
  const lost = async (): Promise<number> => lostBy(await readFile(await onlyFile(directory)));
  tally.accepted(5);
  expect(await lost()).toBe(5);
  tally.settled(3);
  expect(await lost()).toBe(2);
  tally.accepted(5_000_000_000);
  expect(await lost()).toBe(5_000_000_002);
  tally.settled(5_000_000_001);
  expect(await lost()).toBe(1);
  tally.settled(10);
  expect(await lost()).toBe(0);
  expect((await stat(await onlyFile(directory))).mode & 0o777).toBe(0o600);
  tally.close();
  expect(await readdir(directory)).toEqual([]);
  tally.accepted(1);
  tally.close();
  expect(await readdir(directory)).toEqual([]);
});

test("a tally that counts nothing makes no file", async () => {
  const directory = await spoolDirectory();
  openTally(directory).close();
  await expect(stat(directory)).rejects.toThrow("ENOENT");
});

test("bytes that are no tally count nothing as lost", () => {
  expect(lostBy(Buffer.alloc(0))).toBe(0);
  expect(lostBy(Buffer.alloc(400, 0xff))).toBe(0);
});

test("a tally that was taken away by mistake is back within a minute, with all its counts", async () => {
  const directory = await spoolDirectory();
  vi.useFakeTimers();
  try {
    const tally = openTally(directory);
    tally.accepted(7);
    await rm(await onlyFile(directory));
    tally.settled(2);
    vi.advanceTimersByTime(60_000);
    expect(lostBy(await readFile(await onlyFile(directory)))).toBe(5);
    tally.close();
  } finally {
    vi.useRealTimers();
  }
  expect(await readdir(directory)).toEqual([]);
});

async function onlyFile(directory: string): Promise<string> {
  const [name = ""] = await readdir(directory);
  return path.join(directory, name);
}

test.runIf(process.platform === "linux")(
  "a descriptor that somebody else has closed does not reach the application as an error",
  async () => {
    const told = toldLines();
    const directory = await spoolDirectory();
    const tally = openTally(directory);
    tally.accepted(1);
    const own = path.join(directory, (await readdir(directory))[0] ?? "");
    for (const number of readdirSync("/proc/self/fd")) {
      if (readLink(number) === own) closeSync(Number(number));
    }
    expect(() => tally.accepted(1)).not.toThrow();
    expect(told.join()).toContain("EBADF");
  },
);

function readLink(descriptor: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return undefined;
  }
}
