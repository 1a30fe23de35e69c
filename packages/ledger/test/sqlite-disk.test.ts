import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { ledgerErrorReason } from "../src/ledger-error.ts";
import { expectExactRollups } from "./support/sqlite-audit.ts";
import { databaseFile, openStore } from "./support/sqlite-directory.ts";
import { mountSmallDisk } from "./support/sqlite-mount.ts";
import { usageRows } from "./support/sqlite-rows.ts";

test("a full disk is told as such and loses nothing that was acknowledged; writing goes on when there is space", async (context) => {
  const { directory } = mountSmallDisk(context, 4096);
  const file = path.join(directory, "ledger.db");
  const ballast = path.join(directory, "ballast");
  const store = openStore({ file });
  let acknowledged = (await store.append(usageRows(100))).written;
  writeFileSync(ballast, new Uint8Array(1 << 20));
  let fault: Error | undefined;
  while (fault === undefined) {
    try {
      acknowledged += (await store.append(usageRows(100))).written;
    } catch (error) {
      fault = error as Error;
    }
  }
  expect(ledgerErrorReason(fault)).toBe("unavailable");
  expect(String(fault)).toMatch(
    /\[meterbridge\] \[ledger\] \[sqlite\] \/.+ledger\.db: the disk is full \(.+\); free some/,
  );
  await expect(store.append(usageRows(100))).rejects.toThrow("the disk is full");
  rmSync(ballast);
  const rows = usageRows(100);
  expect(await store.append(rows)).toMatchObject({ written: 100 });
  expect(await store.append(rows)).toMatchObject({ duplicates: 100 });
  await store.close();
  expect(expectExactRollups(file)).toBe(acknowledged + 100);
});

test("a disk that is full from the start is told as such, and the store opens when there is space", async (context) => {
  const { directory } = mountSmallDisk(context, 512);
  const ballast = path.join(directory, "ballast");
  expect(() => writeFileSync(ballast, new Uint8Array(1 << 20))).toThrow("ENOSPC");
  const file = path.join(directory, "ledger.db");
  const store = openStore({ file });
  const fault = await store.open().catch((error: unknown) => error);
  expect(ledgerErrorReason(fault)).toBe("unavailable");
  expect(String(fault)).toContain("the disk is full");
  rmSync(ballast);
  await store.open();
  expect(await store.append(usageRows(10))).toMatchObject({ written: 10 });
  expect(expectExactRollups(file)).toBe(10);
});

test("a file system that turns read-only is told as such, and written again when it can be", async (context) => {
  const disk = mountSmallDisk(context, 4096);
  const file = path.join(disk.directory, "ledger.db");
  const store = openStore({ file });
  await store.append(usageRows(10));
  await store.close();
  disk.remount("ro");
  const again = openStore({ file });
  const fault = await again.append(usageRows(10)).catch((error: unknown) => error);
  expect(ledgerErrorReason(fault)).toBe("unavailable");
  expect(String(fault)).toContain("the file or its directory cannot be written");
  const elsewhere = openStore({ file: path.join(disk.directory, "missing/ledger.db") });
  await expect(elsewhere.open()).rejects.toThrow("the file or its directory cannot be written");
  disk.remount("rw");
  expect(await again.append(usageRows(10))).toMatchObject({ written: 10 });
  expect(expectExactRollups(file)).toBe(20);
});

test("a file that another process keeps locked is told as such after the timeout, and written when it is free", async () => {
  const file = databaseFile();
  const store = openStore({ file, busyTimeoutMillis: 100 });
  await store.append(usageRows(10));
  const other = new DatabaseSync(file);
  other.exec("begin immediate");
  const fault = await store.append(usageRows(10)).catch((error: unknown) => error);
  expect(ledgerErrorReason(fault)).toBe("unavailable");
  expect(String(fault)).toContain("another process kept the database locked for too long");
  other.exec("rollback");
  other.close();
  expect(await store.append(usageRows(10))).toMatchObject({ written: 10 });
  expect(expectExactRollups(file)).toBe(20);
});

test("a path that cannot be a file is refused", async () => {
  const directory = path.dirname(databaseFile());
  const fault = await openStore({ file: directory })
    .open()
    .catch((error: unknown) => error);
  expect(ledgerErrorReason(fault)).toBe("refused");
  expect(String(fault)).toContain("there is no file to be made at this path");
});
