import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export type ServerName = "prometheus" | "promtool" | "otelcol" | "victoria-metrics";

/**
 * The path of a real server's binary, looked for on PATH, in `$METERBRIDGE_SERVERS` and in `.servers` of the repository.
 * Missing: undefined after one loud line, so that the suite can skip; under `CI=true` it throws, since a skip there would
 * hide a fault.
 */
export function findServer(name: ServerName): string | undefined {
  const directories = [
    ...(process.env["PATH"] ?? "").split(path.delimiter),
    process.env["METERBRIDGE_SERVERS"],
    path.join(import.meta.dirname, "../../.servers"),
  ];
  for (const directory of directories) {
    if (!directory) continue;
    const candidate = path.join(directory, name);
    if (isExecutable(candidate)) return candidate;
  }
  const message = `${name} is not installed: put it on PATH or in the directory named by METERBRIDGE_SERVERS`;
  if (process.env["CI"] === "true") throw new Error(message);
  console.warn(`\n!!! SKIPPED: ${message}\n`);
  return undefined;
}

/** A loopback TCP port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

export interface RunningProcess {
  readonly child: ChildProcess;
  /** Everything written to stdout and stderr so far. */
  output(): string;
  /** Sends the signal (default SIGTERM), waits for the end, and resorts to SIGKILL after 5 seconds. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Resolves with the exit code, or the signal's name, when the process has ended. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

export interface ProcessOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Starts a process and keeps its output. The caller stops it. */
export function startProcess(
  command: string,
  commandArguments: readonly string[],
  options: ProcessOptions = {},
): RunningProcess {
  const child = spawn(command, [...commandArguments], {
    stdio: ["ignore", "pipe", "pipe"],
    env: withoutOurs(options.env ?? process.env),
    cwd: options.cwd ?? process.cwd(),
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? signal ?? 0));
  });
  ended.catch(() => {});
  return {
    child,
    ended,
    output: () => output,
    async stop(signal = "SIGTERM") {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      const last = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await ended.catch(() => {});
      clearTimeout(last);
    },
  };
}

/** Starts a server and waits until `url` answers 200; fails with the server's own output when it does not in 20 seconds. */
export async function startServer(
  command: string,
  commandArguments: readonly string[],
  url: string,
  options: ProcessOptions = {},
): Promise<RunningProcess> {
  const server = startProcess(command, commandArguments, options);
  let running = true;
  server.ended.then(
    () => (running = false),
    () => (running = false),
  );
  try {
    await until(async () => {
      if (!running) throw new Stop(`${command} ended early:\n${server.output()}`);
      const response = await fetch(url);
      await response.arrayBuffer();
      return response.ok;
    }, `${command} to answer ${url}`);
  } catch (error) {
    await server.stop();
    throw new Error(`${command} did not start:\n${server.output()}`, { cause: error });
  }
  return server;
}

/** Calls `condition` every 50 ms until it is truthy, and returns that value; failures count as "not yet". */
export async function until<Value>(
  condition: () => Promise<Value> | Value,
  what: string,
  seconds = 20,
): Promise<NonNullable<Value>> {
  const deadline = Date.now() + seconds * 1000;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const value = await condition();
      if (value) return value;
      last = value;
    } catch (error) {
      if (error instanceof Stop) throw error;
      last = error;
    }
    await sleep(50);
  }
  throw new Error(`waited ${seconds} s in vain for ${what}`, { cause: last });
}

/** Without the variables that only the tests read: Meterbridge in a child process would call them unknown. */
function withoutOurs(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { METERBRIDGE_SERVERS: _servers, METERBRIDGE_NODES: _nodes, ...rest } = environment;
  return rest;
}

class Stop extends Error {}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
