import { crc32 } from "node:zlib";
import { fewestColumns, ledgerColumns, valuesOf } from "../ledger-columns.ts";
import { ledgerError } from "../ledger-error.ts";
import type { LedgerRow } from "../ledger-row.ts";

// A record is the payload's length and CRC-32, both u32 little-endian, and the payload: a JSON array of the number of rows and,
// for each, the array of its values in the order of the ledger's columns. JSON holds no zero byte, and the length's highest byte is
// zero, so no text inside a row can pass for the start of a record.

/** The records of the rows, at most 500 rows or about a megabyte each. */
export function* encodeRecords(rows: readonly LedgerRow[]): Generator<Buffer> {
  let values: string[] = [];
  let length = 0;
  for (const row of rows) {
    const text = JSON.stringify(valuesOf(row));
    values.push(text);
    length += text.length;
    if (values.length < recordRows && length < recordLength) continue;
    yield record(values);
    values = [];
    length = 0;
  }
  if (values.length > 0) yield record(values);
}

export interface FoundRecord {
  /** Bytes before it that are no record. */
  readonly damage: boolean;
  readonly payload: Buffer;
  readonly rows: number;
  /** Where the next one starts. */
  readonly end: number;
}

/** What is left when no record follows: nothing; one cut off while it was written; or bytes that were something else once. */
export type SegmentEnd = "whole" | "torn" | "damaged";

/** The first whole record at or after `start`, or how the segment ends. */
export function findRecord(bytes: Buffer, start: number): FoundRecord | SegmentEnd {
  for (let at = start; at + headBytes < bytes.length; at += 1) {
    const found = recordAt(bytes, at);
    if (found !== undefined) return { damage: at > start, ...found };
  }
  if (start >= bytes.length) return "whole";
  return isTorn(bytes, start) ? "torn" : "damaged";
}

/** The rows of a payload; undefined when it is not what this version or one before it writes. */
export function decodeRows(payload: Buffer): LedgerRow[] | undefined {
  try {
    const [count, ...rows] = JSON.parse(payload.toString()) as [number, ...unknown[][]];
    const fits = rows.every(({ length: given }) => given >= fewestColumns && given <= ledgerColumns.length);
    return fits && rows.length === count ? rows.map(rowFrom) : undefined;
  } catch {
    return undefined;
  }
}

const recordRows = 500;
const recordLength = 1_048_576;
/** A record of one row more than a megabyte, with every character four bytes long, is far below. */
const longestPayload = 0xff_ffff;
/** Bytes that are all zero would pass for an empty record, whose checksum is zero too. */
const shortestPayload = 4;
const headBytes = 8;

function record(values: readonly string[]): Buffer {
  const payload = Buffer.from(`[${values.length},${values.join(",")}]`);
  if (payload.length > longestPayload) {
    throw ledgerError(
      "refused",
      "[meterbridge] [ledger] [spool] a row is longer than 16 MB: cut its texts to 255 characters",
    );
  }
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(payload.length, 0);
  head.writeUInt32LE(crc32(payload), 4);
  return Buffer.concat([head, payload]);
}

function recordAt(bytes: Buffer, at: number): Omit<FoundRecord, "damage"> | undefined {
  const length = bytes.readUInt32LE(at);
  const end = at + headBytes + length;
  // The length is looked at before the checksum: searching through damaged bytes has to be cheap.
  if (
    length < shortestPayload ||
    length > longestPayload ||
    end > bytes.length ||
    bytes[at + headBytes] !== openingBracket
  )
    return undefined;
  const payload = bytes.subarray(at + headBytes, end);
  if (crc32(payload) !== bytes.readUInt32LE(at + 4)) return undefined;
  return { payload, rows: Number.parseInt(payload.toString("latin1", 1, 12), 10), end };
}

/** A write that was cut off leaves the start of a record. If it ends as a payload does, only its length has been damaged. */
function isTorn(bytes: Buffer, start: number): boolean {
  const rest = bytes.subarray(start);
  if (rest.length <= headBytes) return true;
  const claimed = rest.readUInt32LE(0);
  const begins = claimed <= longestPayload && rest[headBytes] === openingBracket;
  return begins && rest.length < headBytes + claimed && rest.subarray(-2).toString("latin1") !== "]]";
}

function rowFrom(values: readonly unknown[]): LedgerRow {
  const row: Record<string, unknown> = {};
  for (const [index, { field }] of ledgerColumns.entries()) {
    const value = values[index] ?? null;
    row[field] = field === "costNanoUsd" && value !== null ? BigInt(value as number) : value;
  }
  return row as unknown as LedgerRow;
}

const openingBracket = 0x5b;
