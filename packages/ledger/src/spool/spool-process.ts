import { readFileSync, readlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";

/** Who owns a file of the spool. */
export interface SpoolProcess {
  /** Within one place a process id means one process: the hostname, with the process id namespace where there are such. */
  readonly place: string;
  readonly pid: number;
  /** Tells it from another process that got the same id later. */
  readonly start: string;
}

/** This process. Asks the kernel once. */
export function thisProcess(): SpoolProcess {
  known ??= { place: `${safe(hostname())}.${namespace()}`, pid: process.pid, start: ownStart() };
  return known;
}

/** For a file's header: which process wrote it, in words. */
export function describeThisProcess(): string {
  const { pid, start } = thisProcess();
  return JSON.stringify({ hostname: hostname(), pid, start });
}

export function isThisProcess({ place, pid, start }: SpoolProcess): boolean {
  const self = thisProcess();
  return place === self.place && pid === self.pid && start === self.start;
}

/**
 * Whether the process has ended. Where that cannot be seen, in another container or on another host, it counts as ended when
 * it has touched none of its files for ten minutes. A live one touches them every minute.
 */
export async function hasEnded(owner: SpoolProcess, touchedAt: number): Promise<boolean> {
  const silent = Date.now() - touchedAt > silenceMillis;
  if (owner.place !== thisProcess().place) return silent;
  if (isThisProcess(owner)) return false;
  if (!exists(owner.pid)) return true;
  const start = await startOf(owner.pid);
  return start === undefined ? silent : start !== owner.start;
}

const silenceMillis = 10 * 60_000;

/** How often a process touches its files, in milliseconds. */
export const touchMillis = 60_000;

let known: SpoolProcess | undefined;

/** File names hold it, with `~` between the parts. */
function safe(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._-]/g, "_").slice(0, 64);
}

/** Containers may share a hostname and a volume, and each has a process 1. */
function namespace(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}

function ownStart(): string {
  try {
    boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").slice(0, 8);
    return startIn(readFileSync("/proc/self/stat", "latin1")) ?? "0";
  } catch {
    return `t${Math.round(performance.timeOrigin)}`;
  }
}

/** Undefined where it cannot be seen. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    return startIn(await readFile(`/proc/${pid}/stat`, "latin1")) ?? "ended";
  } catch {
    return undefined;
  }
}

/** The time since boot counts from zero on every boot. */
let boot = "";

/** Undefined for one that has ended and waits for its parent to notice. */
function startIn(stat: string): string | undefined {
  // The name before the last parenthesis may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : `${boot}.${fields[19]}`;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
