import { findWrk, type Load, runWrk } from "./http-load.ts";
import { type HttpContestant, httpContestants, type HttpServer, startHttpServer } from "./http-servers.ts";
import { median, type BenchmarkOptions, type Report, type Row } from "./report.ts";
import { buildPackages, versionsOf } from "./startup.ts";
import { wantedCells } from "./wanted-cells.ts";

export interface HttpSizes {
  readonly secondsPerRun: number;
  readonly variants: readonly string[];
  /** Flags of Node.js for every server. */
  readonly flags?: readonly string[];
}

const usualSizes: HttpSizes = { secondsPerRun: 4, variants: ["node:http", "express", "fastify"] };

/**
 * What metering costs a server that does nothing else: `http/throughput`, requests answered per second over 40 connections;
 * `http/p99`, the time that 99 of 100 took at most; `http/processor`, processor time per request, which a busy machine disturbs least.
 */
export async function http(options: BenchmarkOptions): Promise<Report> {
  await buildPackages();
  return measureHttp(options, usualSizes);
}

export async function measureHttp({ rounds = 7, cells: asked }: BenchmarkOptions, sizes: HttpSizes): Promise<Report> {
  const cells = wantedCells(Object.keys(figures), asked);
  const wrk = await findWrk();
  const packages = [...httpContestants.flatMap((each) => each.package ?? []), "express", "fastify"];
  const versions = { node: process.versions.node, ...versionsOf(...packages) };
  if (wrk === undefined) return { versions, rows: [] };
  const rows: Row[] = [];
  for (const variant of sizes.variants) rows.push(...(await measureVariant(variant, rounds, sizes)));
  return { versions: { ...versions, wrk }, rows: rows.filter(({ cell }) => cells.has(cell)) };
}

interface Run extends Load {
  /** µs of processor time per request. */
  readonly processor: number;
}

const figures: Readonly<Record<string, { readonly unit: string; of(run: Run): number }>> = {
  "http/throughput": { unit: "requests/s", of: ({ requestsPerSecond }) => requestsPerSecond },
  "http/p99": { unit: "ms", of: ({ p99Milliseconds }) => p99Milliseconds },
  "http/processor": { unit: "µs", of: ({ processor }) => processor },
};

/**
 * All servers of a variant stand ready at once, and are measured in turn: a busy moment of the machine hits all alike. Each round
 * begins with another, so that nobody has the same place in all.
 */
async function measureVariant(
  variant: string,
  rounds: number,
  { secondsPerRun, flags = [] }: HttpSizes,
): Promise<Row[]> {
  const servers: { readonly contestant: HttpContestant; readonly server: HttpServer; readonly runs: Run[] }[] = [];
  try {
    for (const contestant of httpContestants) {
      servers.push({ contestant, server: await startHttpServer(contestant, variant, flags), runs: [] });
    }
    // The first round lets the engine optimise, and is thrown away when it has been counted.
    for (let round = 0; round <= rounds; round++) {
      const first = round % servers.length;
      const order = [...servers.slice(first), ...servers.slice(0, first)];
      for (const { server, runs } of order) runs.push(await measure(server, secondsPerRun));
    }
    for (const { contestant, server, runs } of servers) await checkCount(contestant, server, runs);
  } finally {
    await Promise.all(servers.map(({ server }) => server.stop()));
  }
  const measured = servers.map(({ contestant, runs }) => ({ peer: contestant.peer, runs: runs.slice(1) }));
  const bare = measured.find(({ peer }) => peer === "bare")!.runs;
  return Object.entries(figures).flatMap(([cell, { unit, of }]) =>
    measured.map(({ peer, runs }): Row => {
      const ratios = runs.map((run, round) => of(run) / of(bare[round]!));
      const note = peer === "bare" ? undefined : `median of the rounds' ratios: ${median(ratios).toFixed(3)}`;
      return { cell, variant, peer, value: median(runs.map(of)), unit, ...(note !== undefined && { note }) };
    }),
  );
}

async function measure(server: HttpServer, seconds: number): Promise<Run> {
  const before = await server.processorTime();
  const load = await runWrk(server.url, seconds);
  return { ...load, processor: ((await server.processorTime()) - before) / load.requests };
}

/** Who loses requests must not win. At the end of each run wrk gives up those that it waits for, one per connection. */
async function checkCount({ peer }: HttpContestant, server: HttpServer, runs: readonly Run[]): Promise<void> {
  const counted = await server.counted();
  if (counted === undefined) return;
  const sent = runs.reduce((sum, { requests }) => sum + requests, 0);
  if (counted < sent || counted > sent + runs.length * 40) {
    throw new Error(`"${peer}" counted ${counted} requests of ${sent} that were answered`);
  }
}
