import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { openSpool, type Spool, type SpoolOptions } from "../../src/spool/spool.ts";

/** A directory for a spool, not made yet, and gone after the test. */
export async function spoolDirectory(): Promise<string> {
  const parent = await mkdtemp(path.join(tmpdir(), "meterbridge-spool-"));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  return path.join(parent, "spool");
}

/** A spool that is closed after the test. */
export function startSpool(directory: string, options: Omit<SpoolOptions, "directory"> = {}): Spool {
  const spool = openSpool({ directory, ...options });
  onTestFinished(() => spool.close());
  return spool;
}

export async function filesOf(directory: string, end: string): Promise<string[]> {
  const names = await readdir(directory);
  return names.filter((name) => name.endsWith(end)).map((name) => path.join(directory, name));
}

export interface SpoolProcess {
  readonly child: ChildProcess;
  /** What it has said so far, in whole lines. */
  lines(): string[];
  /** Resolves when that is true of its lines. */
  until(condition: (lines: string[]) => boolean): Promise<void>;
  /** By SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

/** For Node.js, before what, where and a number. */
export const spoolProgram: readonly string[] = [
  "--conditions=@meterbridge/source",
  fileURLToPath(new URL("./spool-process.ts", import.meta.url)),
];

/** Starts `spool-process.ts`, which ends with the test at the latest. */
export function startSpoolProcess(what: string, directory: string, number: number): SpoolProcess {
  return watch(
    spawn(process.execPath, [...spoolProgram, what, directory, String(number)], { stdio: ["pipe", "pipe", "inherit"] }),
  );
}

export function watch(child: ChildProcess): SpoolProcess {
  let output = "";
  let ended = false;
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  const closed = new Promise<void>((resolve) => {
    child.once("close", () => {
      ended = true;
      tell();
      resolve();
    });
  });
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    tell();
  });
  const lines = (): string[] => output.split("\n").slice(0, -1);
  const until = (condition: (lines: string[]) => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const listener = (): void => {
        if (condition(lines())) resolve();
        else if (ended) reject(new Error(`the process ended too early, after: ${output}`));
        else return;
        listeners.delete(listener);
      };
      listeners.add(listener);
      listener();
    });
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await closed;
  };
  onTestFinished(kill);
  return { child, lines, until, kill };
}
