import { ledgerError, type LedgerStoreError } from "../ledger-error.ts";
import { describeThisProcess } from "./spool-process.ts";

/** A file of the spool, as far as this process has to do with it. */
export interface Segment {
  readonly path: string;
  readonly sequence: number;
  /** Whether a process that has ended wrote it. */
  readonly adopted: boolean;
  /** Where the first record starts that has not been replayed. */
  position: number;
  /** The end of the last record that is known to be whole. */
  end: number;
  /** Rows from `position` on. */
  rows: number;
  /** Whether it is still being written to. */
  open: boolean;
  /** Whether bytes in it are no records: then it is kept aside in the end. */
  damaged: boolean;
}

/** Puts it where its turn is: what was adopted comes first. */
export function enqueue(segments: Segment[], segment: Segment): void {
  const isLater = (other: Segment): boolean =>
    other.adopted === segment.adopted ? other.sequence > segment.sequence : segment.adopted;
  const index = segments.findIndex(isLater);
  segments.splice(index < 0 ? segments.length : index, 0, segment);
}

export function dequeue(segments: Segment[], segment: Segment): void {
  const index = segments.indexOf(segment);
  if (index >= 0) segments.splice(index, 1);
}

/** The first line of a file: what it is, the format's version, and who wrote it. */
export function segmentHeader(): Buffer {
  return Buffer.from(`${magic} ${formatVersion} ${describeThisProcess()}\n`);
}

export const formatVersion = "1";

export interface FoundHeader {
  readonly version: string;
  /** In bytes. */
  readonly length: number;
}

/** Undefined when the file does not start like one of the spool. */
export function parseHeader(bytes: Buffer): FoundHeader | undefined {
  const end = bytes.subarray(0, longestHeader).indexOf(10);
  const parts = /^meterbridge-spool (\d{1,9}) /.exec(bytes.toString("latin1", 0, Math.max(end, 0)));
  return parts === null ? undefined : { version: parts[1] ?? "", length: end + 1 };
}

/** In bytes. */
export const longestHeader = 1024;

export function unavailable(what: string, cause?: unknown): LedgerStoreError {
  return ledgerError("unavailable", `[meterbridge] [ledger] [spool] ${what}`, cause);
}

export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

const magic = "meterbridge-spool";
