import { closeSync, fsyncSync, mkdirSync, openSync, unlinkSync, writeSync } from "node:fs";
import { type FileHandle, mkdir, open, stat, unlink } from "node:fs/promises";
import path from "node:path";
import { nameOf, newWriter } from "./spool-name.ts";
import { codeOf, dequeue, enqueue, type Segment, segmentHeader, unavailable } from "./spool-segment.ts";

export interface SegmentWriterOptions {
  readonly directory: string;
  readonly fsync: "batch" | "interval" | "none";
  /** A segment at least this long is written to no more. */
  readonly segmentBytes: number;
  /** Where new segments are put, and from where those are removed that somebody has taken. */
  readonly segments: Segment[];
}

/** All but `writeSync` one at a time, please. */
export interface SegmentWriter {
  /** Resolves when the records are in a file that is still ours. Rejects as `unavailable`, and then leaves nothing of them. */
  write(records: Buffer, rows: number): Promise<void>;
  writeSync(records: Buffer, rows: number): void;
  /** Makes what was written under `interval` durable. */
  sync(): Promise<void>;
  /** Ends the open segment. The next write starts another. */
  seal(): Promise<void>;
}

export function createSegmentWriter({ directory, fsync, segmentBytes, segments }: SegmentWriterOptions): SegmentWriter {
  const writer = newWriter();
  let sequence = 0;
  let current: OpenSegment | undefined;
  /** Set when a later segment was written by the way. */
  let isOutrun = false;

  const newSegment = (): Segment => {
    sequence = Math.max(sequence + 1, Date.now());
    const file = path.join(directory, nameOf(sequence, writer, "segment"));
    return { path: file, sequence, adopted: false, position: 0, end: 0, rows: 0, open: true, damaged: false };
  };

  const openSegment = async (): Promise<OpenSegment> => {
    if (current !== undefined && (isOutrun || current.segment.end >= segmentBytes)) await seal();
    isOutrun = false;
    if (current !== undefined) return current;
    const segment = newSegment();
    const file = await create(segment.path);
    const { ino, dev } = await file.stat({ bigint: true });
    current = { segment, file, ino, dev, dirty: false };
    return current;
  };

  const write = async (records: Buffer, rows: number): Promise<void> => {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      let target: OpenSegment | undefined;
      try {
        target = await openSegment();
        if (await put(target, records, rows)) return;
      } catch (error) {
        if (target !== undefined) await takeBack(target);
        throw notWritten(directory, error);
      }
    }
    throw unavailable(
      `in ${directory}: the files are taken away as fast as they are written; does something clean up there?`,
    );
  };

  /** False when the file has been taken meanwhile: then whoever took it may or may not have seen these records. */
  const put = async (target: OpenSegment, records: Buffer, rows: number): Promise<boolean> => {
    const { segment, file } = target;
    const isFirst = segment.end === 0;
    const header = isFirst ? segmentHeader() : Buffer.alloc(0);
    const bytes = isFirst ? Buffer.concat([header, records]) : records;
    await writeAll(file, bytes, segment.end);
    if (fsync === "batch") await file.datasync();
    target.dirty = fsync === "interval";
    if (isFirst && fsync !== "none") await syncDirectory(directory);
    const place = await whereIs(target);
    if (place === "here") {
      if (isFirst) {
        segment.position = header.length;
        enqueue(segments, segment);
      }
      segment.end += bytes.length;
      segment.rows += rows;
      return true;
    }
    if (place === "taken") dequeue(segments, segment);
    await seal();
    return false;
  };

  /** Back to the last whole record. The file is written to no more: after a failed fsync nobody knows what it holds. */
  const takeBack = async ({ segment, file }: OpenSegment): Promise<void> => {
    await (segment.end === 0 ? unlink(segment.path) : file.truncate(segment.end)).catch(() => {});
    await seal().catch(() => {});
  };

  const sync = async (): Promise<void> => {
    if (current?.dirty !== true) return;
    current.dirty = false;
    await current.file.datasync();
  };

  const seal = async (): Promise<void> => {
    const sealed = current;
    if (sealed === undefined) return;
    try {
      await sync();
    } finally {
      current = undefined;
      sealed.segment.open = false;
      await sealed.file.close();
    }
  };

  const writeNow = (records: Buffer, rows: number): void => {
    const segment = newSegment();
    const header = segmentHeader();
    const bytes = Buffer.concat([header, records]);
    try {
      createNow(segment.path, bytes, fsync !== "none");
    } catch (error) {
      throw notWritten(directory, error);
    }
    isOutrun = true;
    enqueue(segments, { ...segment, position: header.length, end: bytes.length, rows, open: false });
  };

  return { write, writeSync: writeNow, sync, seal };
}

interface OpenSegment {
  readonly segment: Segment;
  readonly file: FileHandle;
  readonly ino: bigint;
  readonly dev: bigint;
  /** Written to since the last fsync, under `interval`. */
  dirty: boolean;
}

async function create(file: string): Promise<FileHandle> {
  try {
    return await open(file, "wx", 0o600);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    return open(file, "wx", 0o600);
  }
}

function createNow(file: string, bytes: Buffer, durable: boolean): void {
  const directory = path.dirname(file);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const descriptor = openSync(file, "wx", 0o600);
  try {
    for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written);
    if (durable) fsyncSync(descriptor);
  } catch (error) {
    closeSync(descriptor);
    unlinkSync(file);
    throw error;
  }
  closeSync(descriptor);
  if (!durable || process.platform === "win32") return;
  const handle = openSync(directory, "r");
  fsyncSync(handle);
  closeSync(handle);
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten;
  }
}

/** A file that is durable without its name would be gone after a power loss. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function whereIs({ segment, ino, dev }: OpenSegment): Promise<"here" | "taken" | "unknown"> {
  try {
    const found = await stat(segment.path, { bigint: true });
    return found.ino === ino && found.dev === dev ? "here" : "taken";
  } catch (error) {
    return codeOf(error) === "ENOENT" ? "taken" : "unknown";
  }
}

function notWritten(directory: string, error: unknown): Error {
  const code = codeOf(error) ?? String(error);
  const advice = advices[code] ?? "see that the directory can be written to";
  return unavailable(`cannot write to ${directory}: ${code}; ${advice}`, error);
}

const advices: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: free some space, or bring the store back so that what waits is replayed",
  EDQUOT: "the quota is used up: raise it, or bring the store back so that what waits is replayed",
  EROFS: "the file system is read-only: remount it, or choose another directory",
  EACCES: "let this user write there, or choose another directory",
  ENOTDIR: "a part of the path is no directory: choose another",
};
