import { open, rename, unlink } from "node:fs/promises";
import { diag } from "../harmless-diag.ts";
import type { LedgerRow } from "../ledger-row.ts";
import { decodeRows, findRecord } from "./spool-record.ts";
import { codeOf, dequeue, type Segment, unavailable } from "./spool-segment.ts";

export interface WaitingBatch {
  readonly rows: readonly LedgerRow[];
  done(): Promise<void>;
}

/**
 * Gives what waits in the segments, batch after batch, and removes a segment when its last batch is done. `letGo` ends a segment
 * that is still being written to, unless something has been added to it since.
 */
export function createSegmentReader(segments: Segment[], letGo: (segment: Segment) => Promise<void>): SegmentReader {
  let handed: Promise<WaitingBatch | undefined> | undefined;
  let loaded: LoadedSegment | undefined;

  const next = async (): Promise<WaitingBatch | undefined> => {
    for (;;) {
      const segment = segments.find(({ open: isOpen, position, end }) => !isOpen || position < end);
      if (segment === undefined) return undefined;
      const found = await read(segment);
      if (found === undefined) continue;
      if (found.rows.length > 0) return batchOf(segment, found);
      await advance(segment, found);
    }
  };

  const read = async (segment: Segment): Promise<FoundRows | undefined> => {
    try {
      if (loaded?.segment !== segment || loaded.start + loaded.bytes.length <= segment.position) {
        loaded = { segment, start: segment.position, bytes: await load(segment) };
      }
    } catch (error) {
      dequeue(segments, segment);
      // Taken by a process that took us for dead, which replays it: nothing is lost.
      if (codeOf(error) === "ENOENT") return undefined;
      // Behind the others, so that one bad file does not hold them up.
      segments.push(segment);
      throw unavailable(
        `cannot read ${segment.path}: ${codeOf(error) ?? String(error)}; let this user read it, or look into the disk's health`,
        error,
      );
    }
    return gather(loaded);
  };

  const batchOf = (segment: Segment, found: FoundRows): WaitingBatch => {
    let isDone = false;
    const done = async (): Promise<void> => {
      if (isDone) return;
      isDone = true;
      handed = undefined;
      await advance(segment, found);
    };
    return { rows: found.rows, done };
  };

  const advance = async (segment: Segment, { rows, position }: FoundRows): Promise<void> => {
    segment.position = position;
    segment.rows = Math.max(0, segment.rows - rows.length);
    if (segment.position < segment.end) return;
    if (segment.open) await letGo(segment);
    if (segment.open || segment.position < segment.end) return;
    loaded = undefined;
    dequeue(segments, segment);
    await discard(segment);
  };

  return {
    next() {
      handed ??= next().then(
        (batch) => {
          if (batch === undefined) handed = undefined;
          return batch;
        },
        (error: unknown) => {
          handed = undefined;
          throw error;
        },
      );
      return handed;
    },
  };
}

export interface SegmentReader {
  /** The same batch until it is done. Rejects as `unavailable` when a file cannot be read. */
  next(): Promise<WaitingBatch | undefined>;
}

/** Removes a segment of which nothing waits any more; keeps a damaged one aside. */
export async function discard(segment: Segment): Promise<void> {
  try {
    await (segment.damaged ? rename(segment.path, `${segment.path}.damaged`) : unlink(segment.path));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    diag.warn(
      `[meterbridge] [ledger] [spool] cannot remove ${segment.path}: ${codeOf(error) ?? String(error)}; ` +
        "it has been replayed, and will be once more at a later start, which adds nothing",
    );
  }
}

/** Tells of bytes that are no records, once for each file. */
export function markDamaged(segment: Segment): void {
  if (segment.damaged) return;
  segment.damaged = true;
  diag.error(
    `[meterbridge] [ledger] [spool] ${segment.path} is damaged: the records around the damage are replayed, then the file is ` +
      "kept as *.damaged; look into the disk's health",
  );
}

interface LoadedSegment {
  readonly segment: Segment;
  /** Where in the file the bytes start. */
  readonly start: number;
  readonly bytes: Buffer;
}

interface FoundRows {
  readonly rows: readonly LedgerRow[];
  /** Where the record after them starts. */
  readonly position: number;
}

/** Small records are put together up to this many rows. */
const batchRows = 500;

async function load({ path, position, end }: Segment): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const bytes = Buffer.allocUnsafe(end - position);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, position + length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}

function gather({ segment, start, bytes }: LoadedSegment): FoundRows {
  const rows: LedgerRow[] = [];
  let at = segment.position - start;
  for (;;) {
    const found = findRecord(bytes, at);
    if (typeof found === "string") {
      if (found === "whole" && start + at >= segment.end) break;
      // Bytes may have been added since they were read.
      if (found === "whole" && bytes.length > 0) break;
      markDamaged(segment);
      return { rows, position: segment.end };
    }
    if (found.damage) markDamaged(segment);
    if (rows.length > 0 && rows.length + found.rows > batchRows) break;
    const decoded = decodeRows(found.payload);
    if (decoded === undefined) markDamaged(segment);
    else rows.push(...decoded);
    at = found.end;
  }
  return { rows, position: start + at };
}
