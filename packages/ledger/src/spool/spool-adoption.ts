import { open, readdir, readFile, rename, stat, unlink, utimes } from "node:fs/promises";
import path from "node:path";
import { setImmediate as otherWork } from "node:timers/promises";
import { diag } from "../harmless-diag.ts";
import { nameOf, parseName, type SpoolName } from "./spool-name.ts";
import { hasEnded, isThisProcess } from "./spool-process.ts";
import { discard, markDamaged } from "./spool-reader.ts";
import { findRecord } from "./spool-record.ts";
import {
  codeOf,
  enqueue,
  formatVersion,
  longestHeader,
  parseHeader,
  type Segment,
  unavailable,
} from "./spool-segment.ts";
import { lostBy } from "./tally.ts";

export interface Adoption {
  readonly rows: number;
  readonly files: number;
  /** Places where bytes were no records. */
  readonly damaged: number;
  /** At most so many rows had been accepted, but are neither in the store nor in the spool. */
  readonly lost: number;
}

/** Takes over what ended processes left in the directory. Tells once of each file that it leaves alone. */
export function createAdoption(directory: string, segments: Segment[]): () => Promise<Adoption> {
  const told = new Set<string>();

  return async () => {
    const total = { rows: 0, files: 0, damaged: 0, lost: 0 };
    const { free, strangers } = await look(directory);
    for (const { file, name } of free) {
      if (name.kind === "tally") total.lost += await takeTally(directory, file, name);
      else await takeSegment(file, name);
    }
    tell(strangers, "is no file of the spool");
    return total;

    async function takeSegment(file: string, name: SpoolName): Promise<void> {
      const source = path.join(directory, file);
      const header = parseHeader(await readStart(source));
      if (header === undefined) return tell([file], "is no file of the spool, whatever its name says");
      if (header.version !== formatVersion) {
        return tell(
          [file],
          `has format ${header.version} and this version reads ${formatVersion} only: start the one that wrote it`,
        );
      }
      const target = path.join(directory, nameOf(name.sequence, name.writer, "segment"));
      if (segments.some((segment) => segment.path === target) || !(await take(source, target))) return;
      const { segment, damages } = await survey(target, name.sequence, header.length);
      total.files += 1;
      total.rows += segment.rows;
      total.damaged += damages;
      if (segment.position < segment.end) enqueue(segments, segment);
      else await discard(segment);
    }
  };

  function tell(files: readonly string[], what: string): void {
    const news = files.filter((file) => !told.has(file));
    if (news.length === 0) return;
    for (const file of news) told.add(file);
    const names = `${news.slice(0, 3).join(", ")}${news.length > 3 ? ` and ${news.length - 3} more` : ""}`;
    diag.warn(`[meterbridge] [ledger] [spool] in ${directory}: ${names} ${what}; left alone`);
  }
}

interface FoundFile {
  readonly file: string;
  readonly name: SpoolName;
}

/** What nobody owns any more, in the order in which it was written, and what is not ours. */
async function look(directory: string): Promise<{ free: FoundFile[]; strangers: string[] }> {
  const strangers: string[] = [];
  const free: FoundFile[] = [];
  const owned = new Map<string, FoundFile[]>();
  for (const file of await filesIn(directory)) {
    const name = parseName(file);
    if (name === undefined) {
      if (!file.endsWith(".damaged")) strangers.push(file);
    } else if (name.kind === "left") free.push({ file, name });
    else if (!isThisProcess(name.owner)) {
      const key = JSON.stringify(name.owner);
      owned.set(key, [...(owned.get(key) ?? []), { file, name }]);
    }
  }
  for (const files of owned.values()) {
    const [first] = files;
    if (first !== undefined && (await hasEnded(first.name.owner, await lastTouched(directory, files))))
      free.push(...files);
  }
  return { free: free.toSorted((one, other) => one.name.sequence - other.name.sequence), strangers };
}

async function filesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw unavailable(`cannot look into ${directory}: ${codeOf(error) ?? String(error)}; let this user read it`, error);
  }
}

async function lastTouched(directory: string, files: readonly FoundFile[]): Promise<number> {
  const times = files.map(({ file }) =>
    stat(path.join(directory, file)).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    ),
  );
  return Math.max(...(await Promise.all(times)));
}

/** False when it is gone: another process was faster. */
async function take(source: string, target: string): Promise<boolean> {
  try {
    await rename(source, target);
    await utimes(target, new Date(), new Date());
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw unavailable(
      `cannot take over ${source}: ${codeOf(error) ?? String(error)}; let this user write there`,
      error,
    );
  }
}

/** Renamed before it is read, so that only one process counts it. */
async function takeTally(directory: string, file: string, name: SpoolName): Promise<number> {
  const target = path.join(directory, nameOf(name.sequence, name.writer, "tally"));
  if (!(await take(path.join(directory, file), target))) return 0;
  const lost = lostBy(await readFile(target));
  await unlink(target);
  return lost;
}

async function readStart(file: string): Promise<Buffer> {
  try {
    const handle = await open(file, "r");
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(longestHeader), 0, longestHeader, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return Buffer.alloc(0);
  }
}

async function survey(file: string, sequence: number, start: number): Promise<{ segment: Segment; damages: number }> {
  const segment: Segment = {
    path: file,
    sequence,
    adopted: true,
    position: start,
    end: start,
    rows: 0,
    open: false,
    damaged: false,
  };
  let damages = 0;
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch {
    // It is ours now: the reader tries again, and tells.
    segment.end = await sizeOf(file);
    return { segment, damages };
  }
  for (let at = start, seen = start; ;) {
    const found = findRecord(bytes, at);
    if (typeof found === "string") {
      if (found === "whole") break;
      damages += 1;
      if (found === "damaged") markDamaged(segment);
      break;
    }
    if (found.damage) {
      damages += 1;
      markDamaged(segment);
    }
    at = found.end;
    segment.end = at;
    segment.rows += found.rows;
    if (at - seen < surveyBytes) continue;
    seen = at;
    await otherWork();
  }
  return { segment, damages };
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

/** So much is looked through before other work gets its turn. */
const surveyBytes = 1_048_576;
