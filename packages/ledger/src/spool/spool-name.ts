import { randomBytes } from "node:crypto";
import { type SpoolProcess, thisProcess } from "./spool-process.ts";

/**
 * A file's name: its present owner, which changes when it is taken over, and the segment's own identity, which never does, so that
 * two segments cannot come to the same name.
 */
export interface SpoolName {
  readonly owner: SpoolProcess;
  /** Rises within a process, and over processes as their clocks go. */
  readonly sequence: number;
  /** Made once by every spool and tally. */
  readonly writer: string;
  /** `left`: its owner has put it down, anyone may take it. */
  readonly kind: "segment" | "left" | "tally";
}

export function newWriter(): string {
  return randomBytes(6).toString("hex");
}

export function nameOf(sequence: number, writer: string, kind: SpoolName["kind"]): string {
  const { place, pid, start } = thisProcess();
  return [place, pid, start, String(sequence).padStart(16, "0"), `${writer}.${kind}`].join("~");
}

/** Undefined for a file that is none of ours. */
export function parseName(name: string): SpoolName | undefined {
  const parts = pattern.exec(name);
  if (parts === null) return undefined;
  const [, place = "", pid, start = "", sequence, writer = "", kind] = parts;
  const owner = { place, pid: Number(pid), start };
  return { owner, sequence: Number(sequence), writer, kind: kind as SpoolName["kind"] };
}

const pattern = /^([^~]+)~(\d{1,10})~([^~]+)~(\d{16})~([0-9a-f]{12})\.(segment|left|tally)$/;
