import { type ChildProcess, execFile, spawn } from "node:child_process";
import { accessSync, chownSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import pg from "pg";

export interface DatabaseServer {
  readonly url: string;
  /** What it says it is. */
  readonly version: string;
  stop(): Promise<void>;
}

export interface PostgresqlServer extends DatabaseServer {
  /** Makes an empty database and gives its URL. */
  createDatabase(): Promise<string>;
}

/**
 * A PostgreSQL of its own on a free loopback port. It has the memory of a small server; all else is as it comes: fsync,
 * synchronous_commit and full_page_writes are on. Not installed: undefined after one loud line; under `CI=true` it throws.
 */
export async function startPostgresql(): Promise<PostgresqlServer | undefined> {
  const binaries = findDirectory("initdb", [...searchPath(), ...postgresqlDirectories()]);
  if (binaries === undefined) {
    return missing("postgresql is not installed: put initdb and postgres on PATH or in /usr/lib/postgresql");
  }
  const owner = unprivilegedUser();
  const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-benchmark-"));
  if (owner !== undefined) chownSync(directory, owner.uid, owner.gid);
  const data = path.join(directory, "data");
  const port = await freePort();
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`;
  await promisify(execFile)(
    path.join(binaries, "initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"],
    { ...owner, cwd: directory },
  );
  const settings = [
    `port=${port}`,
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "shared_buffers=1GB",
    "max_wal_size=4GB",
  ].flatMap((setting) => ["-c", setting]);
  const child = spawn(path.join(binaries, "postgres"), ["-D", data, ...settings], {
    ...owner,
    cwd: directory,
    stdio: "ignore",
  });
  const version = await answered("postgresql", child, async () => {
    const [row] = await queryOnce(url, "show server_version");
    return String(row?.["server_version"]);
  });
  let databases = 0;
  return {
    url,
    version,
    async createDatabase() {
      const name = `benchmark_${++databases}`;
      await queryOnce(url, `create database ${name}`);
      return url.replace(/[^/]+$/, name);
    },
    stop: () => end(child, "SIGINT", directory),
  };
}

/** A redis-server of its own on a free loopback port, with append-only file and fsync every second. Missing: as above. */
export async function startRedis(): Promise<DatabaseServer | undefined> {
  const binaries = findDirectory("redis-server", searchPath());
  if (binaries === undefined) return missing("redis-server is not installed: put it on PATH");
  const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-benchmark-"));
  const port = await freePort();
  const settings = ["--bind", "127.0.0.1", "--port", String(port), "--dir", directory, "--save", ""];
  const child = spawn(path.join(binaries, "redis-server"), [...settings, "--appendonly", "yes"], { stdio: "ignore" });
  const version = await answered("redis-server", child, async () => {
    const client = new Redis({ port, lazyConnect: true, retryStrategy: () => null });
    client.on("error", () => {});
    try {
      await client.connect();
      return /redis_version:(\S+)/.exec(await client.info("server"))?.[1] ?? "";
    } finally {
      client.disconnect();
    }
  });
  return { url: `redis://127.0.0.1:${port}`, version, stop: () => end(child, "SIGTERM", directory) };
}

/** One statement over a connection of its own. */
export async function queryOnce(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

function missing(message: string): undefined {
  if (process.env["CI"] === "true") throw new Error(message);
  console.error(`\n!!! LEFT OUT: ${message}\n`);
}

async function answered(name: string, child: ChildProcess, ask: () => Promise<string>): Promise<string> {
  child.once("error", () => {});
  for (let tries = 0; tries < 400 && child.pid !== undefined && child.exitCode === null; tries++) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined) return answer;
    await sleep(50);
  }
  child.kill("SIGKILL");
  throw new Error(`${name} did not start`);
}

async function end(child: ChildProcess, signal: NodeJS.Signals, directory: string): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  if (child.exitCode === null && child.signalCode === null) {
    child.kill(signal);
    await ended;
  }
  rmSync(directory, { recursive: true, force: true });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

/** PostgreSQL refuses to run as root, and runs as somebody else then. */
function unprivilegedUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of ["postgres", "nobody"]) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(":") ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as");
}

function searchPath(): string[] {
  return (process.env["PATH"] ?? "").split(path.delimiter).filter((directory) => directory !== "");
}

function postgresqlDirectories(): string[] {
  const root = "/usr/lib/postgresql";
  try {
    const versions = readdirSync(root).toSorted((one, other) => Number(other) - Number(one));
    return versions.map((version) => path.join(root, version, "bin"));
  } catch {
    return [];
  }
}

function findDirectory(program: string, directories: readonly string[]): string | undefined {
  return directories.find((directory) => {
    try {
      accessSync(path.join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
