import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** What wrk saw of a server in one run. */
export interface Load {
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** The time that 99 of 100 requests took at most, in ms. */
  readonly p99Milliseconds: number;
}

/** The version of wrk, or undefined after one loud line where there is none; under `CI=true` it throws. */
export async function findWrk(): Promise<string | undefined> {
  try {
    // It tells its version beside an error.
    await promisify(execFile)("wrk", ["--version"]);
    return "unknown";
  } catch (error) {
    const { code, stdout = "" } = error as { code?: unknown; stdout?: string };
    if (code !== "ENOENT") return /wrk (?:debian\/)?(\S+)/.exec(stdout)?.[1] ?? "unknown";
  }
  const message = "wrk is not installed: put it on PATH (Debian: apt install wrk)";
  if (process.env["CI"] === "true") throw new Error(message);
  console.error(`\n!!! LEFT OUT: ${message}\n`);
  return undefined;
}

/** Asks the URL as fast as it answers, over 40 connections of one thread. Throws when an answer is an error. */
export async function runWrk(url: string, seconds: number): Promise<Load> {
  const settings = ["-t1", "-c40", `-d${seconds}s`, "--latency"];
  const { stdout } = await promisify(execFile)("wrk", [...settings, url]);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`the server failed under load:\n${stdout}`);
  const [, p99 = "", unit = ""] = /99%\s+([\d.]+)(us|ms|s)\b/.exec(stdout) ?? [];
  return {
    requests: Number(/(\d+) requests in/.exec(stdout)?.[1]),
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    p99Milliseconds: Number(p99) * (unit === "us" ? 0.001 : unit === "ms" ? 1 : 1000),
  };
}
