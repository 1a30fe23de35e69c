import { type ChildProcess, spawn } from "node:child_process";
import { onTestFinished } from "vitest";

export interface RunningProcess {
  readonly child: ChildProcess;
  /** Its whole output so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves when it has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** Runs a TypeScript file of the tests in a process of its own, which is killed at the latest when the test has finished. */
export function runProcess(
  file: URL,
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): RunningProcess {
  const flags = ["--conditions=@meterbridge/source", file.pathname, ...parameters];
  const child = spawn(process.execPath, flags, { env: { ...process.env, NODE_OPTIONS: "", ...environment } });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}
