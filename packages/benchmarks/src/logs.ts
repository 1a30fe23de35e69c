import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { median, type BenchmarkOptions, type Peer, type Report } from "./report.ts";
import { versionsOf } from "./startup.ts";

const contestants = ["bare", "meterbridge"] as const satisfies readonly Peer[];
const destinations = ["sync", "buffered"] as const;

/**
 * What the line of a request costs: `logs/request-line`, nanoseconds of processor time (the writing included, also where another
 * thread does it) for `request completed` with the request's id, tenant, user, method, route, status and duration. `bare` is pino, told
 * all fields by its caller; `meterbridge` finds those of the context by itself and looks through the others for secrets. `sync` writes
 * each line at once, `buffered` each 4096 characters, to /dev/null.
 */
export async function logs({ rounds = 15 }: BenchmarkOptions): Promise<Report> {
  const measured = destinations.flatMap((destination) =>
    contestants.map((peer) => ({ peer, destination, nanoseconds: [] as number[] })),
  );
  for (let round = 0; round < rounds; round++) {
    for (const { peer, destination, nanoseconds } of measured) nanoseconds.push(await lineIn(peer, destination));
  }
  return {
    versions: { node: process.versions.node, ...versionsOf("pino") },
    rows: measured.map(({ peer, destination, nanoseconds }) => ({
      cell: "logs/request-line",
      variant: destination,
      peer,
      value: median(nanoseconds),
      unit: "ns",
      note: `${Math.round(Math.min(...nanoseconds))} to ${Math.round(Math.max(...nanoseconds))}`,
    })),
  };
}

/** In a process of its own, so that neither has what the other taught the compiler. */
async function lineIn(peer: string, destination: string): Promise<number> {
  const script = path.join(import.meta.dirname, "logs-process.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--conditions=@meterbridge/source",
    script,
    peer,
    destination,
  ]);
  return Number(stdout);
}
