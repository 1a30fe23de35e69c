import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { ledgerErrorReason } from "../src/ledger-error.ts";
import { sqliteStore } from "../src/sqlite/sqlite-store.ts";
import { expectExactRollups } from "./support/sqlite-audit.ts";
import { databaseFile, openStore } from "./support/sqlite-directory.ts";
import { runProcess, type RunningProcess } from "./support/sqlite-process.ts";
import { usageRows } from "./support/sqlite-rows.ts";

function run(way: string, file: string, environment: NodeJS.ProcessEnv = {}): RunningProcess {
  return runProcess(new URL("./support/sqlite-application.ts", import.meta.url), [way, file], environment);
}

test("making a store opens nothing and creates nothing", async () => {
  const file = databaseFile();
  const store = sqliteStore({ file });
  await store.close();
  expect(existsSync(file)).toBe(false);
});

test("an application that awaits an append gets its answer, and ends by itself although it never closed the store", async () => {
  const file = databaseFile();
  const application = run("append", file);
  expect(await application.ended).toEqual({ code: 0, signal: null });
  expect(JSON.parse(application.stdout())).toEqual({ written: 5, duplicates: 0, expired: 0 });
  expect(application.stderr()).toBe("");
  expect(expectExactRollups(file)).toBe(5);
});

test("an application with an idle store ends by itself", async () => {
  const application = run("idle", databaseFile());
  expect(await application.ended).toEqual({ code: 0, signal: null });
  expect(application.stderr()).toBe("");
});

test("closing finishes what is under way, leaves one file, and can be done twice", async () => {
  const file = databaseFile();
  const application = run("close", file);
  expect(await application.ended).toEqual({ code: 0, signal: null });
  expect(application.stderr()).toBe("");
  expect(existsSync(`${file}-wal`)).toBe(false);
  expect(expectExactRollups(file)).toBe(5);
});

test("rows that are handed over in an exit listener, behind an append that is under way, are durable", async () => {
  const file = databaseFile();
  const application = run("exit", file);
  expect(await application.ended).toEqual({ code: 0, signal: null });
  expect(JSON.parse(application.stdout()).result).toEqual({ written: 500, duplicates: 0, expired: 0 });
  expect(expectExactRollups(file)).toBe(1000);
});

test("rows that are handed over in an exit listener are durable although the store was never opened", async () => {
  const file = databaseFile();
  const application = run("exit-unopened", file);
  expect(await application.ended).toEqual({ code: 0, signal: null });
  expect(JSON.parse(application.stdout()).result).toEqual({ written: 500, duplicates: 0, expired: 0 });
  expect(expectExactRollups(file)).toBe(500);
});

test("an exit listener does not wait longer than it said, and is not told that rows are durable which are not", async () => {
  const file = databaseFile();
  const application = run("exit-locked", file);
  expect(await application.ended).toEqual({ code: 0, signal: null });
  const { result, milliseconds } = JSON.parse(application.stdout());
  expect(result).toBeNull();
  // It was to wait for 200, and the lock would have held it for 2000.
  expect(milliseconds).toBeLessThan(1800);
  expect(expectExactRollups(file)).toBe(0);
});

test.each(["--import", "--require"])(
  "what the application preloads by %s in NODE_OPTIONS is not loaded once more in the store's thread",
  async (flag) => {
    const file = databaseFile();
    const preload = path.join(path.dirname(file), flag === "--import" ? "preload.mjs" : "preload.cjs");
    writeFileSync(preload, `process.stdout.write("preloaded ");`);
    const target = flag === "--import" ? pathToFileURL(preload).href : preload;
    const application = run("append", file, { NODE_OPTIONS: `${flag}=${target}` });
    expect(await application.ended).toEqual({ code: 0, signal: null });
    expect(application.stdout()).toMatch(/^preloaded \{"written":5/);
  },
);

test("a worker thread that dies is told to who waits for it, and replaced at the next call", async () => {
  const file = databaseFile();
  const store = openStore({ file });
  const started = new Promise<Worker>((resolve) => void process.once("worker", resolve));
  await store.open();
  const worker = await started;
  const rows = usageRows(5000);
  const underWay = store.append(rows).catch((error: unknown) => error);
  await worker.terminate();
  const fault = await underWay;
  expect(ledgerErrorReason(fault)).toBe("unavailable");
  expect(String(fault)).toContain("the store's worker thread ended");
  const { written, duplicates } = await store.append(rows);
  expect(written + duplicates).toBe(5000);
  expect(expectExactRollups(file)).toBe(5000);
});

test("a closed store rejects, and does not open again", async () => {
  const file = databaseFile();
  const store = sqliteStore({ file });
  await store.append(usageRows(1));
  await Promise.all([store.close(), store.close()]);
  const fault = await store.append(usageRows(1)).catch((error: unknown) => error);
  expect(ledgerErrorReason(fault)).toBe("unavailable");
  expect(String(fault)).toContain("the store was closed");
  expect(store.appendSync?.(usageRows(1), 1000)).toBeUndefined();
  await expect(store.tenants()).rejects.toThrow("the store was closed");
  expect(expectExactRollups(file)).toBe(1);
});
