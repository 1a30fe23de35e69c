import { execFile } from "node:child_process";
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { freePort, type RunningProcess, startProcess, until } from "../../../../test/support/servers.ts";

/** A real redis-server on a free loopback port. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Of the running process; another one after `restart`. */
  readonly pid: number;
  /** One command by redis-cli, in its raw form: a line per element, nothing for nil. */
  command(...words: string[]): Promise<string>;
  /** What a key holds; undefined where there is none. */
  get(key: string): Promise<string | undefined>;
  keys(pattern?: string): Promise<readonly string[]>;
  /** Ends it in order, without saving, and deletes its files. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** Starts it again on the same port and directory, after `stop` or `kill` or in place of the running one. */
  restart(): Promise<void>;
}

export interface RedisServerOptions {
  /** As on the command line: `["--maxmemory", "2mb"]`. Without persistence unless asked for. */
  readonly arguments?: readonly string[];
  /** A member of a cluster, which speaks with the others on another port. Default false. */
  readonly isInCluster?: boolean;
  /** Default: one that is free. */
  readonly port?: number;
}

/** The binary's path on PATH. Missing: undefined after one loud line; under `CI=true` it throws. */
export function findRedis(name: "redis-server" | "redis-cli" = "redis-server"): string | undefined {
  for (const directory of (process.env["PATH"] ?? "").split(path.delimiter)) {
    if (directory === "") continue;
    const candidate = path.join(directory, name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      continue;
    }
  }
  const message = `${name} is not installed: put it on PATH`;
  if (process.env["CI"] === "true") throw new Error(message);
  console.warn(`\n!!! SKIPPED: ${message}\n`);
  return undefined;
}

/** Starts one and waits until it answers. Whoever starts it stops it. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = findRedis("redis-server");
  const client = findRedis("redis-cli");
  if (server === undefined || client === undefined)
    throw new Error("redis-server is not installed: ask findRedis first");
  const port = options.port ?? (await freePort());
  const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-redis-"));
  let running: RunningProcess | undefined;
  const bus = options.isInCluster === true ? ["--cluster-port", String(await freePort())] : [];
  const given = [
    ...bus,
    "--bind",
    "127.0.0.1",
    "--port",
    String(port),
    "--dir",
    directory,
    "--save",
    "",
    "--appendonly",
    "no",
  ];

  async function command(...words: string[]): Promise<string> {
    const { stdout } = await run(client as string, ["-e", "-h", "127.0.0.1", "-p", String(port), ...words]);
    return stdout.replace(/\n$/, "");
  }

  async function start(): Promise<void> {
    mkdirSync(directory, { recursive: true });
    const started = startProcess(server as string, [...given, ...(options.arguments ?? [])]);
    running = started;
    try {
      await until(async () => (await command("PING")) === "PONG", "redis-server to answer PING");
    } catch (error) {
      await started.stop();
      throw new Error(`redis-server did not start:\n${started.output()}`, { cause: error });
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    // A stopped process takes no other signal than SIGKILL.
    running?.child.kill("SIGCONT");
    await running?.stop(signal);
  }

  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return running?.child.pid ?? 0;
    },
    command,
    get: async (key) => ((await command("EXISTS", key)) === "1" ? command("GET", key) : undefined),
    keys: async (pattern = "*") => (await command("KEYS", pattern)).split("\n").filter((key) => key !== ""),
    async stop() {
      await end("SIGTERM");
      rmSync(directory, { recursive: true, force: true });
    },
    kill: () => end("SIGKILL"),
    pause: () => void running?.child.kill("SIGSTOP"),
    resume: () => void running?.child.kill("SIGCONT"),
    async restart() {
      await end("SIGKILL");
      await start();
    },
  };
}

const run = promisify(execFile);
