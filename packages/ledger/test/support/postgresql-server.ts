import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { accessSync, constants, readdirSync, readFileSync } from "node:fs";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { freePort, until } from "../../../../test/support/servers.ts";

export interface PostgresqlServerOptions {
  /** Settings of postgresql.conf, such as `{ max_connections: "12" }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PostgresqlServer {
  /** With the superuser `postgres` and the database `postgres`. */
  readonly url: string;
  readonly port: number;
  readonly dataDirectory: string;
  /** The postmaster's; another one after a restart. */
  readonly pid: number;
  /** Runs one statement over a connection of its own. Integers of 64 bits come as texts. */
  query(sql: string, parameters?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Makes an empty database and gives its URL. */
  createDatabase(): Promise<string>;
  /** Crashes it (`-m immediate`: no checkpoint, so that the log is replayed) and starts it on the same port and directory. */
  restartImmediate(): Promise<void>;
  /** Freezes every process of it: connections stay up and nothing answers. */
  pause(): void;
  resume(): void;
  /** Stops it and removes its directory. */
  stop(): Promise<void>;
}

/**
 * The directory of PostgreSQL's binaries, from PATH or where Debian puts them, the newest first. Missing: undefined after
 * one loud line, so that the suite can skip; under `CI=true` it throws, since a skip there would hide a fault.
 */
export function findPostgresql(): string | undefined {
  const directories = [...(process.env["PATH"] ?? "").split(path.delimiter), ...versionDirectories()];
  const found = directories.find((directory) => directory !== "" && isExecutable(path.join(directory, "initdb")));
  if (found !== undefined) return found;
  const message =
    "postgresql is not installed: put initdb and postgres on PATH or in /usr/lib/postgresql/<version>/bin";
  if (process.env["CI"] === "true") throw new Error(message);
  console.warn(`\n!!! SKIPPED: ${message}\n`);
  return undefined;
}

/**
 * A PostgreSQL of its own in a temporary directory on a free loopback port. What is committed is on disk, as in production:
 * fsync and full_page_writes stay on.
 */
export async function startPostgresql(options: PostgresqlServerOptions = {}): Promise<PostgresqlServer> {
  const binaries = findPostgresql();
  if (binaries === undefined) throw new Error("postgresql is not installed: ask findPostgresql() first");
  const owner = serverUser();
  const directory = await mkdtemp(path.join(tmpdir(), "meterbridge-postgresql-"));
  if (owner !== undefined) await chown(directory, owner.uid, owner.gid);
  const dataDirectory = path.join(directory, "data");
  const port = await freePort();
  const settings = { ...fastSettings, ...options.settings, port: String(port) };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`;
  let databases = 0;
  let paused: number[] = [];
  let server: ChildProcess | undefined;
  let output = "";

  async function start(): Promise<void> {
    const child = spawn(path.join(binaries ?? "", "postgres"), ["-D", dataDirectory, ...flags], {
      ...owner,
      cwd: directory,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-20_000));
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.once("error", (error) => (output += error.message));
    server = child;
    try {
      await until(() => queryOnce(url, "SELECT 1 AS up"), "postgresql to answer");
    } catch (error) {
      throw new Error(`postgresql did not start:\n${output}`, { cause: error });
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    resume();
    const child = server;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    const last = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(last);
  }

  function resume(): void {
    for (const pid of paused) signalProcess(pid, "SIGCONT");
    paused = [];
  }

  async function stop(): Promise<void> {
    await end("SIGINT");
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  try {
    await promisify(execFile)(
      path.join(binaries, "initdb"),
      ["-D", dataDirectory, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
      { ...owner, cwd: directory },
    );
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    port,
    dataDirectory,
    get pid() {
      return server?.pid ?? 0;
    },
    query: (sql, parameters = []) => queryOnce(url, sql, parameters),
    async createDatabase() {
      const name = `test_${++databases}`;
      await queryOnce(url, `CREATE DATABASE ${name}`);
      return url.replace(/[^/]+$/, name);
    },
    async restartImmediate() {
      await end("SIGQUIT");
      await start();
    },
    pause() {
      const postmaster = server?.pid ?? 0;
      // The postmaster first, so that no child is born in between.
      if (signalProcess(postmaster, "SIGSTOP")) paused = [postmaster];
      for (const child of childrenOf(postmaster)) if (signalProcess(child, "SIGSTOP")) paused.push(child);
    },
    resume,
    stop,
  };
}

/** Runs one statement over a connection of its own. */
export async function queryOnce(
  url: string,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 60_000 });
  client.on("error", () => {});
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql, [...parameters]);
    return rows;
  } finally {
    await client.end();
  }
}

// A test's server has little to do: no work in the background but what it is asked for.
const fastSettings: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  shared_buffers: "64MB",
  max_wal_size: "1GB",
  log_min_messages: "log",
};

/** PostgreSQL refuses to run as root, so a test that does lends it another user. */
function serverUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of ["postgres", "nobody"]) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(":") ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as");
}

function childrenOf(parent: number): number[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).split("\n");
  return lines.flatMap((line) => {
    const [pid, owner] = line.trim().split(/\s+/).map(Number);
    return pid !== undefined && owner === parent ? [pid] : [];
  });
}

/** Whether the process was there to get it. */
function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return pid > 0 && process.kill(pid, signal);
  } catch {
    return false;
  }
}

function versionDirectories(): string[] {
  const root = "/usr/lib/postgresql";
  try {
    const versions = readdirSync(root).toSorted((one, other) => Number(other) - Number(one));
    return versions.map((version) => path.join(root, version, "bin"));
  } catch {
    return [];
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
