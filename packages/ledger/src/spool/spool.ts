import { rename, utimes } from "node:fs/promises";
import path from "node:path";
import { setImmediate as otherWork } from "node:timers/promises";
import * as v from "valibot";
import { diag } from "../harmless-diag.ts";
import { checkOptions, wholeNumber } from "../check-options.ts";
import type { LedgerRow } from "../ledger-row.ts";
import { type Adoption, createAdoption } from "./spool-adoption.ts";
import { touchMillis } from "./spool-process.ts";
import { createSegmentReader, discard, type WaitingBatch } from "./spool-reader.ts";
import { encodeRecords } from "./spool-record.ts";
import { codeOf, type Segment, unavailable } from "./spool-segment.ts";
import { createSegmentWriter } from "./spool-writer.ts";
import { openTally, type Tally } from "./tally.ts";

export interface SpoolOptions {
  /** Made with 0700 when it is not there. Several processes may share it. */
  readonly directory: string;
  /** What this process may keep there. @default 1 GiB */
  readonly maxBytes?: number;
  /** When rows count as durable: after an fsync of their own, before one in the next second, or once written. @default "batch" */
  readonly fsync?: "batch" | "interval" | "none";
}

/** What waits to be replayed. */
export interface SpoolSize {
  readonly rows: number;
  readonly bytes: number;
}

/** Where rows wait on disk while the store is down. */
export interface Spool {
  /**
   * Appends the rows; resolves when they are durable under the fsync policy. Rejects as `unavailable` when `maxBytes` is reached,
   * or the disk is full or cannot be written to: then none of them count as accepted.
   */
  append(rows: readonly LedgerRow[]): Promise<void>;
  /** The same, blocking, for an `exit` listener. Throws. Does not wait for appends under way, so give their rows again. */
  appendSync(rows: readonly LedgerRow[]): void;
  /**
   * The oldest waiting rows, in the order they were appended, what was adopted first; small appends come together, up to 500 rows.
   * The same batch until its `done()`. Undefined when nothing waits. Rejects as `unavailable` when a file cannot be read: the next
   * call goes on with another.
   */
  next(): Promise<WaitingBatch | undefined>;
  size(): SpoolSize;
  /** Takes over what ended processes left behind. Rejects as `unavailable` when the directory cannot be read or written to. */
  adopt(): Promise<Adoption>;
  /** Counts what this process has taken, in the same directory, so that `adopt` can say what a SIGKILL took along. */
  readonly tally: Tally;
  /** Ends it after the appends under way. What waits stays for whoever adopts it next. Later calls reject. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens nothing until the first use.
 * @throws Error of one line when an option is wrong.
 */
export function openSpool(options: SpoolOptions): Spool {
  const { maxBytes, fsync, ...given } = checkOptions("[ledger] [spool]", optionsSchema, options);
  // Of this moment, wherever the application goes later.
  const directory = path.resolve(given.directory);
  const segments: Segment[] = [];
  // Space is given back a segment at a time, so a small spool has small ones.
  const segmentBytes = Math.min(8_388_608, Math.ceil(maxBytes / 8));
  const writer = createSegmentWriter({ directory, fsync, segmentBytes, segments });
  const reader = createSegmentReader(segments, (segment) => alone(() => letGo(segment)));
  const adoptOnce = createAdoption(directory, segments);
  const pending: PendingAppend[] = [];
  let timers: NodeJS.Timeout[] | undefined;
  let lane: Promise<unknown> = Promise.resolve();
  let adopting: Promise<Adoption> | undefined;
  let closing: Promise<void> | undefined;

  /** One after the other: whatever touches the open segment. */
  const alone = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = lane.then(work);
    lane = result.catch(() => {});
    return result;
  };

  const letGo = async (segment: Segment): Promise<void> => {
    if (segment.open && segment.position >= segment.end) await writer.seal();
  };

  const bytesKept = (): number => segments.reduce((sum, { end }) => sum + end, 0);

  const full = (): Error =>
    unavailable(
      `${directory} is full: it may keep ${maxBytes} bytes; bring the store back so that what waits is replayed, or raise "maxBytes"`,
    );

  /** Writes what has come in, with one write and one fsync for all of it. */
  const flush = async (): Promise<void> => {
    while (pending.length > 0) {
      const group: PendingAppend[] = [];
      const records: Buffer[] = [];
      let bytes = 0;
      let rows = 0;
      while (bytes < groupBytes) {
        const append = pending.shift();
        if (append === undefined) break;
        // Rows by the thousand would hold up the event loop.
        if (group.length > 0) await otherWork();
        const encoded = await encode(append.rows).catch(append.reject);
        if (encoded === undefined) continue;
        if (bytesKept() + bytes + encoded.length > maxBytes) {
          append.reject(full());
          continue;
        }
        group.push(append);
        records.push(encoded);
        bytes += encoded.length;
        rows += append.rows.length;
      }
      if (group.length === 0) continue;
      try {
        await writer.write(Buffer.concat(records), rows);
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
  };

  const tellNotSynced = (error: unknown): void => {
    diag.error(
      `[meterbridge] [ledger] [spool] cannot make ${directory} durable: ${codeOf(error) ?? String(error)}; rows of the last second are ` +
        "at risk should the machine fail: look into the disk's health",
    );
  };

  const sync = (): void => {
    alone(() => writer.sync()).catch(tellNotSynced);
  };

  /** Says that this process lives, to those who cannot see it. */
  const touch = (): void => {
    const newest = segments.at(-1);
    const now = new Date();
    if (newest !== undefined) utimes(newest.path, now, now).catch(() => {});
  };

  const begin = (): void => {
    if (closing !== undefined) throw unavailable(`${directory} is closed`);
    if (timers !== undefined) return;
    timers = [setInterval(touch, touchMillis).unref()];
    if (fsync === "interval") timers.push(setInterval(sync, 1000).unref());
  };

  const finish = async (): Promise<void> => {
    for (const timer of timers ?? []) clearInterval(timer);
    await adopting?.catch(() => {});
    await alone(async () => {
      await writer.seal().catch(tellNotSynced);
      for (const segment of segments.splice(0)) {
        if (segment.position >= segment.end) await discard(segment);
        // Without the new name they are taken over when this process has ended.
        else await rename(segment.path, segment.path.replace(/segment$/, "left")).catch(() => {});
      }
    });
  };

  return {
    async append(rows) {
      begin();
      if (rows.length === 0) return;
      await new Promise<void>((resolve, reject) => {
        pending.push({ rows, resolve, reject });
        if (pending.length === 1) void alone(flush);
      });
    },
    appendSync(rows) {
      begin();
      if (rows.length === 0) return;
      const records = Buffer.concat([...encodeRecords(rows)]);
      if (bytesKept() + records.length > maxBytes) throw full();
      writer.writeSync(records, rows.length);
    },
    async next() {
      begin();
      return reader.next();
    },
    size: () => ({ rows: segments.reduce((sum, { rows }) => sum + rows, 0), bytes: bytesKept() }),
    async adopt() {
      begin();
      adopting ??= adoptOnce().finally(() => {
        adopting = undefined;
      });
      return adopting;
    },
    tally: openTally(directory),
    close() {
      closing ??= finish();
      return closing;
    },
  };
}

export type { Adoption, WaitingBatch };

const optionsSchema = v.strictObject({
  directory: v.pipe(v.string("must be a path"), v.nonEmpty("must not be empty")),
  maxBytes: wholeNumber(1, Number.MAX_SAFE_INTEGER, 1_073_741_824),
  fsync: v.optional(v.picklist(["batch", "interval", "none"], `must be "batch", "interval" or "none"`), "batch"),
});

interface PendingAppend {
  readonly rows: readonly LedgerRow[];
  resolve(): void;
  reject(error: unknown): void;
}

/** More than this is not put into one write. */
const groupBytes = 4_194_304;

async function encode(rows: readonly LedgerRow[]): Promise<Buffer> {
  const records: Buffer[] = [];
  for (const record of encodeRecords(rows)) {
    if (records.length > 0) await otherWork();
    records.push(record);
  }
  const [only] = records;
  return records.length === 1 && only !== undefined ? only : Buffer.concat(records);
}
