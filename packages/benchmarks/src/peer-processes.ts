import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { recordPeers, type RecordPeer } from "./record-peers.ts";
import { median, type BenchmarkOptions, type Report, type Row } from "./report.ts";
import { buildPackages, versionsOf } from "./startup.ts";
import { wantedCells } from "./wanted-cells.ts";

/** One cell that a script measures: it is given as text, as the script's last argument. */
export interface PeerCell {
  readonly name: string;
  readonly given: string;
  /** Said beside every figure of the cell. */
  readonly note?: string;
}

export interface PeerProcesses {
  /** A script of `src/` that is run as `script PEER GIVEN` and prints one line of JSON: `{ value, garbage? }`, or `{}`. */
  readonly script: string;
  readonly cells: readonly PeerCell[];
  readonly unit: string;
  readonly peers?: readonly RecordPeer[];
  /**
   * Gives each process a young generation that holds all that is measured, so that garbage can be counted before it is collected. All its memory is then
   * taken from the system for the first time, which costs what is allocated four times as much as in a process that has run for a while.
   */
  readonly countsGarbage?: boolean;
}

/**
 * Measures every cell of every peer in a process of its own, so that the engine has seen nothing else: one after the other, round by
 * round, so that a busy moment of the machine hits all alike. What is built is measured. A peer that has nothing like a cell is left out.
 */
export async function runPeerProcesses(
  { script, cells, unit, peers = recordPeers, countsGarbage = false }: PeerProcesses,
  { rounds = 3, cells: asked }: BenchmarkOptions,
): Promise<Report> {
  const wanted = wantedCells(
    cells.map(({ name }) => name),
    asked,
  );
  await buildPackages();
  const measured = cells
    .filter(({ name }) => wanted.has(name))
    .flatMap((cell) => peers.map((each) => ({ cell, each, values: [] as number[], garbage: [] as number[] })));
  for (let round = 0; round < rounds; round++) {
    for (const { cell, each, values, garbage } of measured) {
      const figures = await run(script, each.peer, cell.given, countsGarbage);
      if (figures.value !== undefined) values.push(figures.value);
      if (figures.garbage !== undefined) garbage.push(figures.garbage);
    }
  }
  return {
    versions: { node: process.versions.node, ...versionsOf(...peers.flatMap((each) => each.package ?? [])) },
    rows: measured.flatMap(({ cell, each, values, garbage }): Row[] => {
      if (values.length === 0) return [];
      const bytes = garbage.length === 0 ? undefined : `${Math.max(0, Math.round(median(garbage)))} B`;
      const note = [bytes, cell.note, each.note].filter((part) => part !== undefined).join(", ");
      return [{ cell: cell.name, peer: each.peer, value: median(values), unit, note }];
    }),
  };
}

async function run(
  script: string,
  peer: string,
  given: string,
  countsGarbage: boolean,
): Promise<{ value?: number; garbage?: number }> {
  const generation = countsGarbage ? ["--max-semi-space-size=256", "--min-semi-space-size=256"] : [];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--expose-gc", ...generation, `./src/${script}`, peer, given],
    { cwd: path.join(import.meta.dirname, ".."), env: { PATH: process.env["PATH"] } },
  );
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as { value?: number; garbage?: number };
}
