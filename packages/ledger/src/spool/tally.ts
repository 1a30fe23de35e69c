import { closeSync, futimesSync, mkdirSync, openSync, statSync, unlinkSync, writeSync } from "node:fs";
import path from "node:path";
import { diag } from "../harmless-diag.ts";
import { nameOf, newWriter } from "./spool-name.ts";
import { describeThisProcess, touchMillis } from "./spool-process.ts";
import { codeOf } from "./spool-segment.ts";

/**
 * Two counters in a file: rows accepted, and rows that are durable or have been counted as lost. They survive the process, so the
 * next one can say how many rows a SIGKILL took along. Never throws.
 */
export interface Tally {
  accepted(count: number): void;
  settled(count: number): void;
  /** Removes the file. */
  close(): void;
}

/** Opens nothing until the first count. Each count is one small blocking write, without fsync. */
export function openTally(directory: string): Tally {
  const file = path.join(directory, nameOf(Date.now(), newWriter(), "tally"));
  const bytes = Buffer.alloc(countersBytes);
  const counts = { accepted: 0, settled: 0 };
  let written: { readonly descriptor: number; readonly ino: number } | undefined;
  let retryAt = 0;
  let isTold = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  const add = (name: "accepted" | "settled", count: number): void => {
    if (isClosed) return;
    counts[name] += count;
    const position = positions[name];
    bytes.writeUInt32LE(counts[name] % 0x1_0000_0000, position);
    bytes.writeUInt32LE(Math.floor(counts[name] / 0x1_0000_0000), position + 4);
    attempt(() => {
      if (written === undefined) create();
      else writeSync(written.descriptor, bytes, position, 8, position);
    });
  };

  const attempt = (work: () => void): void => {
    if (written === undefined && Date.now() < retryAt) return;
    try {
      work();
    } catch (error) {
      letGo();
      retryAt = Date.now() + touchMillis;
      if (!isTold) {
        isTold = true;
        diag.warn(
          `[meterbridge] [ledger] [tally] cannot write ${file}: ${codeOf(error) ?? String(error)}; usage is kept as before, but what a ` +
            "SIGKILL takes along could not be counted at the next start: let this user write there",
        );
      }
    }
  };

  const create = (): void => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const descriptor = openSync(file, "w", 0o600);
    written = { descriptor, ino: statSync(file).ino };
    writeSync(
      descriptor,
      Buffer.concat([bytes, Buffer.from(`${magic} 1 ${describeThisProcess()}\n`)]),
      0,
      undefined,
      0,
    );
    timer ??= setInterval(() => attempt(touch), touchMillis).unref();
  };

  /** Says that this process lives, to those who cannot see it; and starts anew where one of them took the file nevertheless. */
  const touch = (): void => {
    if (written === undefined) return create();
    const now = new Date();
    futimesSync(written.descriptor, now, now);
    if (statSync(file, { throwIfNoEntry: false })?.ino === written.ino) return;
    letGo();
    create();
  };

  const letGo = (): void => {
    const { descriptor } = written ?? {};
    written = undefined;
    try {
      if (descriptor !== undefined) closeSync(descriptor);
    } catch {
      // A disk that fails, or somebody else has closed it: it is given up anyway.
    }
  };

  return {
    accepted: (count) => add("accepted", count),
    settled: (count) => add("settled", count),
    close() {
      if (isClosed) return;
      isClosed = true;
      clearInterval(timer);
      if (written === undefined) return;
      try {
        letGo();
        unlinkSync(file);
      } catch {
        // Gone already, or left for the next start, which finds what it says.
      }
    },
  };
}

/** The rows that a tally's process had accepted and not settled; 0 for bytes that are no tally. */
export function lostBy(bytes: Buffer): number {
  if (!bytes.subarray(countersBytes).toString("latin1").startsWith(`${magic} 1 `)) return 0;
  return Math.max(0, Number(bytes.readBigUInt64LE(positions.accepted) - bytes.readBigUInt64LE(positions.settled)));
}

const magic = "meterbridge-tally";
const positions = { accepted: 0, settled: 8 };
const countersBytes = 16;
