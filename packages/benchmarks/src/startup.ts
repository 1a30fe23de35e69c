import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { median, type BenchmarkOptions, type Peer, type Report } from "./report.ts";

const packageDirectory = path.join(import.meta.dirname, "..");

export interface Contestant {
  readonly peer: Peer;
  /** The package whose version the report names. */
  readonly package?: string;
  readonly flags: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
}

// Each measures the same server, started with one more preload. Pull exporters listen on a port of their own; push exporters
// have nothing to send yet, their first export lies behind the end of the measurement.
const contestants: readonly Contestant[] = [
  { peer: "bare", flags: [] },
  {
    peer: "meterbridge",
    package: "@meterbridge/node",
    flags: ["-r", "@meterbridge/node/register"],
    environment: { METERBRIDGE_EXPORTERS: "prometheus", METERBRIDGE_PROMETHEUS_PORT: "0", METERBRIDGE_LEDGER: "off" },
  },
  { peer: "prom-client", package: "prom-client", flags: ["-r", "./src/startup/prom-client.cjs"] },
  { peer: "otel-3", package: "@opentelemetry/sdk-metrics", flags: ["-r", "./src/startup/otel-3.cjs"] },
  {
    peer: "otel-auto",
    package: "@opentelemetry/auto-instrumentations-node",
    flags: ["-r", "@opentelemetry/auto-instrumentations-node/register"],
  },
];

// A server of Node.js's own, and an Express application, whose many modules every loader hook sees.
const servers = { "node:http": "./src/startup/server.cjs", express: "./src/startup/express.cjs" } as const;

/**
 * What an application pays at start: `startup/wall`, milliseconds from the spawn of the process until a small HTTP server
 * listens, and `startup/rss`, its resident memory half a second after its start. What the ledger adds is another benchmark's.
 */
export async function startup({ rounds = 21 }: BenchmarkOptions): Promise<Report> {
  await buildPackages();
  const measured = Object.entries(servers).flatMap(([variant, server]) =>
    contestants.map((contestant) => ({ variant, server, contestant, wall: [] as number[], memory: [] as number[] })),
  );
  // The first round warms the file system's cache and is thrown away.
  for (let round = 0; round <= rounds; round++) {
    for (const { contestant, server, wall, memory } of measured) {
      const { milliseconds, megabytes } = await runServer(contestant, server);
      if (round === 0) continue;
      wall.push(milliseconds);
      memory.push(megabytes);
    }
  }
  return {
    versions: {
      node: process.versions.node,
      ...versionsOf(...contestants.flatMap(({ package: name }) => name ?? [])),
    },
    rows: [
      ...measured.map(({ variant, contestant: { peer }, wall }) => ({
        cell: "startup/wall",
        variant,
        peer,
        value: median(wall),
        unit: "ms",
      })),
      ...measured.map(({ variant, contestant: { peer }, memory }) => ({
        cell: "startup/rss",
        variant,
        peer,
        value: median(memory),
        unit: "MB",
      })),
    ],
  };
}

/** Users run what is built, so that is measured, as it is in the working tree now. */
export async function buildPackages(): Promise<void> {
  try {
    await promisify(execFile)("pnpm", ["build"], { cwd: path.join(packageDirectory, "../..") });
  } catch (error) {
    const output = error instanceof Error && "stdout" in error ? String(error.stdout) : "";
    throw new Error(`the packages could not be built with "pnpm build":\n${output}`, { cause: error });
  }
}

/** Starts the server once; it tells when it listens, then its memory, and is killed. */
export async function runServer(
  { peer, flags, environment }: Contestant,
  server: string = servers["node:http"],
): Promise<{ milliseconds: number; megabytes: number }> {
  const start = performance.now();
  const child = spawn(process.execPath, [...flags, server], {
    cwd: packageDirectory,
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let complaints = "";
  child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  const closed = new Promise((resolve) => child.once("close", resolve));
  let milliseconds: number | undefined;
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === "listening") milliseconds ??= performance.now() - start;
      const resident = /^rss (\d+)$/.exec(line)?.[1];
      if (resident !== undefined && milliseconds !== undefined) {
        return { milliseconds, megabytes: Number(resident) / 1e6 };
      }
    }
  } finally {
    child.kill("SIGKILL");
    await closed;
  }
  throw new Error(`the server of "${peer}" ended before it was measured:\n${complaints}`);
}

/** Of packages that are installed here. */
export function versionsOf(...names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.map((name) => {
      const file = path.join(packageDirectory, "node_modules", name, "package.json");
      const { version }: { version: string } = JSON.parse(readFileSync(file, "utf8"));
      return [name, version];
    }),
  );
}
