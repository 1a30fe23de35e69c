import { copyFile, mkdir, readdir, readFile, rename, stat, truncate, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { crc32 } from "node:zlib";
import { expect, test, vi } from "vitest";
import { toldLines } from "../../test/support/spool-diag.ts";
import { filesOf, spoolDirectory, startSpool } from "../../test/support/spool-directory.ts";
import { appendUntilRefused, drain, numberedRow, numberedRows, numberOf } from "../../test/support/spool-rows.ts";
import { ledgerErrorReason } from "../ledger-error.ts";
import { openSpool } from "./spool.ts";

test("rows come out in the order they went in, small appends together, and leave no file behind", async () => {
  const directory = await spoolDirectory();
  const spool = startSpool(directory);
  await Promise.all([0, 10, 20].map((first) => spool.append(numberedRows(first, 10))));
  await spool.append(numberedRows(30, 1470));
  expect(spool.size()).toMatchObject({ rows: 1500 });
  const first = await spool.next();
  expect(first?.rows).toEqual(numberedRows(0, 30));
  expect(await spool.next()).toBe(first);
  await first?.done();
  await first?.done();
  expect(await drain(spool)).toEqual(numberedRows(30, 1470));
  expect(spool.size()).toEqual({ rows: 0, bytes: 0 });
  expect(await readdir(directory)).toEqual([]);
  await spool.append(numberedRows(1500, 1));
  expect(await drain(spool)).toEqual(numberedRows(1500, 1));
});

test("a spool that is never used makes no directory", async () => {
  const directory = await spoolDirectory();
  const spool = openSpool({ directory });
  expect(await spool.next()).toBeUndefined();
  expect(await spool.adopt()).toEqual({ rows: 0, files: 0, damaged: 0, lost: 0 });
  await spool.append([]);
  await spool.close();
  await expect(stat(directory)).rejects.toThrow("ENOENT");
});

test("nobody else on the machine can read what waits", async () => {
  const directory = await spoolDirectory();
  const spool = startSpool(directory);
  await spool.append(numberedRows(0, 1));
  spool.appendSync(numberedRows(1, 1));
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  const files = await filesOf(directory, ".segment");
  expect(await Promise.all(files.map(async (file) => (await stat(file)).mode & 0o777))).toEqual([0o600, 0o600]);
});

test("appends while something waits to be done keep their turn, blocking ones too", async () => {
  const spool = startSpool(await spoolDirectory());
  await spool.append(numberedRows(0, 500));
  const batch = await spool.next();
  await spool.append(numberedRows(500, 5));
  spool.appendSync(numberedRows(505, 5));
  await spool.append(numberedRows(510, 5));
  await batch?.done();
  expect(spool.size().rows).toBe(15);
  expect(await drain(spool)).toEqual(numberedRows(500, 15));
});

test("a full spool refuses the newest rows, keeps the oldest, and takes rows again once some are replayed", async () => {
  const spool = startSpool(await spoolDirectory(), { maxBytes: 200_000 });
  let accepted = 0;
  const refusal = await appendUntilRefused(spool, (rows) => (accepted += rows.length));
  expect(ledgerErrorReason(refusal)).toBe("unavailable");
  expect(refusal.message).toMatch(
    /^\[meterbridge\] \[ledger\] \[spool\] .* is full: .*bring the store back.*"maxBytes"/,
  );
  expect(() => spool.appendSync(numberedRows(0, 10))).toThrow("is full");
  expect(spool.size().bytes).toBeLessThanOrEqual(200_000);
  expect(spool.size().bytes).toBeGreaterThan(190_000);

  // Space comes back long before all is replayed.
  const batch = await spool.next();
  expect(batch?.rows.map(numberOf)).toEqual(numberedRows(0, batch?.rows.length ?? 0).map(numberOf));
  await batch?.done();
  await spool.append(numberedRows(1_000_000, 10));
  const rest = await drain(spool);
  expect((batch?.rows.length ?? 0) + rest.length).toBe(accepted + 10);
  expect(rest.at(-1)).toEqual(numberedRow(1_000_009));
});

test("what waits at the close is there for the next spool, in the same process too", async () => {
  const directory = await spoolDirectory();
  const spool = startSpool(directory);
  await spool.append(numberedRows(0, 700));
  const batch = await spool.next();
  await batch?.done();
  const last = spool.append(numberedRows(700, 5));
  await spool.close();
  await last;
  await expect(spool.append(numberedRows(0, 1))).rejects.toThrow("is closed");
  await expect(spool.next()).rejects.toThrow("is closed");

  const next = startSpool(directory);
  await next.append(numberedRows(900, 1));
  // The segment is replayed from its start: the store knows the first 500 rows already.
  expect(await next.adopt()).toEqual({ rows: 705, files: 1, damaged: 0, lost: 0 });
  expect(await next.adopt()).toMatchObject({ files: 0 });
  expect(await drain(next)).toEqual([...numberedRows(0, 705), ...numberedRows(900, 1)]);
});

test.for(["interval", "none"] as const)("rows survive a close under the policy %s", async (fsync) => {
  const directory = await spoolDirectory();
  const spool = startSpool(directory, { fsync });
  await spool.append(numberedRows(0, 10));
  await spool.close();
  const next = startSpool(directory, { fsync });
  await next.adopt();
  expect(await drain(next)).toEqual(numberedRows(0, 10));
});

test("rows of the greatest size come back as they were, by the hundred", async () => {
  const text = "🪙".repeat(255);
  const texts = {
    tenant: text,
    employee: text,
    project: text,
    process: text,
    execution: text,
    user: text,
    provider: text,
  };
  const more = {
    model: text,
    name: text,
    priceBook: text,
    errorType: text,
    corrects: text,
    costNanoUsd: -9_000_000_000_000_000n,
  };
  const escaped = { ...numberedRow(0), user: "\u0001".repeat(255), model: '"\\\n\u2028'.repeat(60), costNanoUsd: null };
  const rows = [...numberedRows(1, 400).map((row) => ({ ...row, ...texts, ...more })), escaped];
  const directory = await spoolDirectory();
  const spool = startSpool(directory);
  await spool.append(rows);
  await spool.close();
  const next = startSpool(directory);
  expect(await next.adopt()).toMatchObject({ rows: 401, damaged: 0 });
  expect(await drain(next)).toEqual(rows);
});

test("a spool that an older version left, without the columns of today, is replayed", async () => {
  const directory = await spoolDirectory();
  const file = await left(directory, [numberedRows(0, 5)]);
  const bytes = await readFile(file);
  const [count, ...rows] = JSON.parse(bytes.toString("utf8", bytes.indexOf("[5,"))) as [number, ...unknown[][]];
  const payload = Buffer.from(JSON.stringify([count, ...rows.map((values) => values.slice(0, 29))]));
  const head = Buffer.alloc(8);
  head.writeUInt32LE(payload.length, 0);
  head.writeUInt32LE(crc32(payload), 4);
  await writeFile(file, Buffer.concat([bytes.subarray(0, bytes.indexOf("[5,") - 8), head, payload]));
  const spool = startSpool(directory);
  expect(await spool.adopt()).toMatchObject({ rows: 5, files: 1, damaged: 0 });
  expect(await drain(spool)).toEqual(numberedRows(0, 5));
});

test("a record cut off by a crash is dropped, and all before it is replayed", async () => {
  const directory = await spoolDirectory();
  const file = await left(directory, [numberedRows(0, 5), numberedRows(5, 5)]);
  await truncate(file, (await stat(file)).size - 10);
  const lines = toldLines();
  const spool = startSpool(directory);
  expect(await spool.adopt()).toMatchObject({ rows: 5, files: 1, damaged: 1 });
  expect(await drain(spool)).toEqual(numberedRows(0, 5));
  expect(await readdir(directory)).toEqual([]);
  expect(lines).toEqual([]);
});

test("a flipped bit costs its record alone, and the file is kept aside and told", async () => {
  const directory = await spoolDirectory();
  const file = await left(directory, [numberedRows(0, 5), numberedRows(5, 5), numberedRows(10, 5)]);
  const bytes = await readFile(file);
  const at = bytes.indexOf("user-7");
  bytes[at] = (bytes[at] ?? 0) ^ 4;
  await writeFile(file, bytes);
  const lines = toldLines();
  const spool = startSpool(directory);
  expect(await spool.adopt()).toMatchObject({ rows: 10, files: 1, damaged: 1 });
  expect(await drain(spool)).toEqual([...numberedRows(0, 5), ...numberedRows(10, 5)]);
  expect(lines).toEqual([expect.stringMatching(/is damaged: .*kept as \*\.damaged/)]);
  expect(await readdir(directory)).toEqual([expect.stringMatching(/\.damaged$/)]);
  const [kept = ""] = await filesOf(directory, ".damaged");
  expect(await readFile(kept)).toEqual(bytes);
  expect(await spool.adopt()).toMatchObject({ files: 0, damaged: 0 });
});

test("a block of zeros, as a power failure leaves, is no record", async () => {
  const directory = await spoolDirectory();
  const file = await left(directory, [numberedRows(0, 5), numberedRows(5, 5), numberedRows(10, 5)]);
  const bytes = await readFile(file);
  const first = bytes.indexOf(10) + 1;
  const second = first + 8 + bytes.readUInt32LE(first);
  bytes.fill(0, second, second + 8);
  await writeFile(file, bytes);
  toldLines();
  const spool = startSpool(directory);
  expect(await spool.adopt()).toMatchObject({ rows: 10, damaged: 1 });
  expect(await drain(spool)).toEqual([...numberedRows(0, 5), ...numberedRows(10, 5)]);
});

test("a last record whose length was damaged is kept aside, not taken for one cut off", async () => {
  const directory = await spoolDirectory();
  const file = await left(directory, [numberedRows(0, 5)]);
  const bytes = await readFile(file);
  const start = bytes.indexOf(10) + 1;
  bytes[start + 1] = 0xff;
  await writeFile(file, bytes);
  const spool = startSpool(directory);
  toldLines();
  expect(await spool.adopt()).toMatchObject({ rows: 0, files: 1, damaged: 1 });
  expect(await filesOf(directory, ".damaged")).toHaveLength(1);
});

test("files that are not the spool's, empty ones, and those of a newer version are left alone, and told once", async () => {
  const directory = await spoolDirectory();
  const file = await left(directory, [numberedRows(0, 5)]);
  const newer = (await readFile(file, "latin1")).replace("meterbridge-spool 1 ", "meterbridge-spool 2 ");
  await writeFile(file, newer, "latin1");
  const empty = file.replace(/~\d{16}~/, "~0000000000000001~");
  await writeFile(empty, "");
  const garbage = file.replace(/~\d{16}~/, "~0000000000000002~");
  await writeFile(garbage, Buffer.alloc(10_000, 0xff));
  await writeFile(path.join(directory, "notes.txt"), "mine");
  await mkdir(path.join(directory, "lost+found"));
  const before = (await readdir(directory)).toSorted();

  const lines = toldLines();
  const spool = startSpool(directory);
  await spool.adopt();
  expect(await spool.adopt()).toEqual({ rows: 0, files: 0, damaged: 0, lost: 0 });
  expect((await readdir(directory)).toSorted()).toEqual(before);
  expect(await readFile(file, "latin1")).toBe(newer);
  expect(lines).toEqual([
    expect.stringMatching(/0000000000000001.* is no file of the spool, whatever its name says; left alone$/),
    expect.stringMatching(/0000000000000002.* is no file of the spool, whatever its name says; left alone$/),
    expect.stringMatching(/has format 2 and this version reads 1 only: start the one that wrote it; left alone$/),
    expect.stringMatching(/(lost\+found|notes\.txt), (lost\+found|notes\.txt) is no file of the spool; left alone$/),
  ]);
});

test("a segment taken away while it waits, by one who took us for dead, is that one's to replay", async () => {
  const directory = await spoolDirectory();
  const spool = startSpool(directory);
  await spool.append(numberedRows(0, 5));
  spool.appendSync(numberedRows(5, 5));
  const files = (await filesOf(directory, ".segment")).toSorted();
  await rename(files[1] ?? "", path.join(directory, "taken"));
  expect(await drain(spool)).toEqual(numberedRows(0, 5));
  expect(spool.size()).toEqual({ rows: 0, bytes: 0 });
});

test("a file put in the place of the one being written to, by a restored copy, does not swallow rows", async () => {
  const directory = await spoolDirectory();
  const spool = startSpool(directory);
  await spool.append(numberedRows(0, 5));
  const [file = ""] = await filesOf(directory, ".segment");
  await copyFile(file, `${file}.copy`);
  await rename(`${file}.copy`, file);
  await spool.append(numberedRows(5, 5));
  expect(await drain(spool)).toEqual(numberedRows(5, 5));
  expect(await filesOf(directory, ".segment")).toEqual([file]);
});

test("a file that cannot be read does not hold up the others", async () => {
  const directory = await spoolDirectory();
  const spool = startSpool(directory);
  spool.appendSync(numberedRows(0, 5));
  const [file = ""] = await filesOf(directory, ".segment");
  spool.appendSync(numberedRows(5, 5));
  await rename(file, `${file}.away`);
  await mkdir(file);
  await expect(spool.next()).rejects.toThrow("[meterbridge] [ledger] [spool] cannot read");
  const batch = await spool.next();
  expect(batch?.rows).toEqual(numberedRows(5, 5));
  await batch?.done();
  expect(spool.size().rows).toBe(5);
});

test("a process with rows waiting shows every minute that it lives, so that no other host takes them", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  try {
    const directory = await spoolDirectory();
    const spool = startSpool(directory);
    await spool.append(numberedRows(0, 1));
    const [file = ""] = await filesOf(directory, ".segment");
    await utimes(file, new Date(0), new Date(0));
    vi.advanceTimersByTime(60_000);
    await expect.poll(async () => Date.now() - (await stat(file)).mtimeMs, { timeout: 20_000 }).toBeLessThan(60_000);
  } finally {
    vi.useRealTimers();
  }
});

/** A file with a record for each of these, put down by a spool that was closed. */
async function left(
  directory: string,
  appends: readonly (readonly ReturnType<typeof numberedRow>[])[],
): Promise<string> {
  const spool = openSpool({ directory });
  for (const rows of appends) await spool.append(rows);
  await spool.close();
  const [file = ""] = await filesOf(directory, ".left");
  return file;
}
