import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ledgerErrorReason } from "../src/ledger-error.ts";
import type { LedgerRow } from "../src/ledger-row.ts";
import { openTally } from "../src/spool/tally.ts";
import { toldLines } from "./support/spool-diag.ts";
import { filesOf, spoolDirectory, startSpool } from "./support/spool-directory.ts";
import { appendUntilRefused, drain, numberedRows } from "./support/spool-rows.ts";

const canMount = tryMounting();

test.runIf(canMount)(
  "a full disk refuses appends and breaks nothing; with space again they work, and what was acknowledged is all there",
  async () => {
    const disk = mountedDisk();
    const directory = path.join(disk, "spool");
    const spool = startSpool(directory);
    const acknowledged: LedgerRow[] = [];
    const refusal = await appendUntilRefused(spool, (rows) => acknowledged.push(...rows));
    expect(ledgerErrorReason(refusal)).toBe("unavailable");
    expect(refusal.message).toContain("the disk is full: free some space");
    expect(acknowledged.length).toBeGreaterThan(1000);
    // Whatever is filled up behind the last whole record, and again.
    for (const attempt of [1, 2, 3]) {
      await expect(spool.append(numberedRows(100_000 * attempt, 5000))).rejects.toThrow("ENOSPC");
      expect(() => spool.appendSync(numberedRows(100_000 * attempt, 5000))).toThrow("ENOSPC");
    }
    expect(await spool.next()).toMatchObject({ rows: acknowledged.slice(0, 500) });

    expect(run("mount", ["-o", "remount,size=8m", disk])).toBe(true);
    const later = numberedRows(900_000, 100);
    await spool.append(later);
    acknowledged.push(...later);
    await spool.close();

    const next = startSpool(directory);
    expect(await next.adopt()).toMatchObject({ rows: acknowledged.length, damaged: 0 });
    expect(await drain(next)).toEqual(acknowledged);
  },
);

test.runIf(canMount)(
  "a file system that turns read-only refuses what it cannot do, and works when it is writable again",
  async () => {
    const disk = mountedDisk();
    const directory = path.join(disk, "spool");
    const first = startSpool(directory);
    await first.append(numberedRows(0, 10));
    await first.close();

    expect(run("mount", ["-o", "remount,ro", disk])).toBe(true);
    const spool = startSpool(directory);
    await expect(spool.append(numberedRows(10, 10))).rejects.toThrow("EROFS; the file system is read-only");
    expect(() => spool.appendSync(numberedRows(10, 10))).toThrow("EROFS");
    await expect(spool.adopt()).rejects.toThrow("EROFS");
    expect(spool.size()).toEqual({ rows: 0, bytes: 0 });

    expect(run("mount", ["-o", "remount,rw", disk])).toBe(true);
    await spool.append(numberedRows(10, 10));
    await spool.adopt();
    expect(await drain(spool)).toEqual(numberedRows(0, 20));
  },
);

test("a tally that cannot be written tells so once, and counting goes on harmlessly", async () => {
  const directory = await spoolDirectory();
  await writeFile(directory, "a file where the directory should be");
  const lines = toldLines();
  const tally = openTally(directory);
  tally.accepted(5);
  tally.settled(5);
  tally.accepted(1);
  tally.close();
  expect(lines).toEqual([expect.stringContaining("[meterbridge] [ledger] [tally] cannot write")]);
});

test("a directory that is none refuses appends and says so, and nothing crashes", async () => {
  const directory = await spoolDirectory();
  await writeFile(directory, "a file where the directory should be");
  const spool = startSpool(directory);
  await expect(spool.append(numberedRows(0, 1))).rejects.toThrow("ENOTDIR");
  await expect(spool.adopt()).rejects.toThrow("ENOTDIR");
  expect(await spool.next()).toBeUndefined();
  await rm(directory);
  await spool.append(numberedRows(0, 1));
  expect(await drain(spool)).toEqual(numberedRows(0, 1));
});

test("a directory deleted under a running spool costs no row that is appended afterwards", async () => {
  const directory = await spoolDirectory();
  const spool = startSpool(directory);
  await spool.append(numberedRows(0, 1));
  await rm(directory, { recursive: true });
  await spool.append(numberedRows(1, 1));
  expect(spool.size().rows).toBe(1);
  expect(await drain(spool)).toEqual(numberedRows(1, 1));
  expect(await filesOf(directory, "")).toEqual([]);
});

/** A disk of one megabyte, gone after the test. */
function mountedDisk(): string {
  const directory = mount();
  if (directory === undefined) throw new Error("mounting worked a moment ago, and does not any more");
  onTestFinished(() => unmount(directory));
  return directory;
}

function tryMounting(): boolean {
  const directory = mount();
  if (directory !== undefined) {
    unmount(directory);
    return true;
  }
  const message = "mounting a small tmpfs is not permitted: run as root, or in a user namespace, to test a full disk";
  if (process.env["CI"] === "true") throw new Error(message);
  console.warn(`\n!!! SKIPPED: ${message}\n`);
  return false;
}

function mount(): string | undefined {
  const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-disk-"));
  if (run("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", directory])) return directory;
  rmdirSync(directory);
  return undefined;
}

function unmount(directory: string): void {
  run("umount", ["--lazy", directory]);
  rmdirSync(directory);
}

function run(command: string, parameters: readonly string[]): boolean {
  return spawnSync(command, parameters).status === 0;
}
