import { eventKinds, updatesPerCall } from "./record-event.ts";
import type { Circumstances } from "./record-loops.ts";
import { type PeerCell, runPeerProcesses } from "./peer-processes.ts";
import type { BenchmarkOptions, Report } from "./report.ts";

/** What recording costs the thread that records: nanoseconds, and bytes of garbage, per call of an instrument, and per model call. */
export async function record(options: BenchmarkOptions): Promise<Report> {
  return await runPeerProcesses({ script: "record-process.ts", cells, unit: "ns", countsGarbage: true }, options);
}

const cells: readonly PeerCell[] = [
  ...(["counter", "histogram"] as const).flatMap((kind) => [
    cell(kind, 0, "fresh", 1),
    cell(kind, 2, "fresh", 1),
    cell(kind, 2, "fresh", 100),
    cell(kind, 2, "fresh", 10_000),
    cell(kind, 4, "fresh", 1),
    cell(kind, 4, "fresh", 100),
    cell(kind, 4, "fresh", 10_000),
    cell(kind, 4, "reused", 100),
    cell(kind, 4, "eight-shapes", 100),
    cell(kind, 4, "bound", 1),
  ]),
  ...eventKinds.map((kind) => ({
    name: kind === "priced" ? "model-call-event" : `model-call-event/${kind}`,
    given: kind,
    note: `${kind === "without-price-book" ? updatesPerCall - 1 : updatesPerCall} updates`,
  })),
];

function cell(
  kind: Circumstances["kind"],
  attributes: Circumstances["attributes"],
  calls: Circumstances["calls"],
  series: number,
): PeerCell {
  const circumstances: Circumstances = { kind, attributes, calls, series };
  return {
    name: `${kind}/${attributes}-attributes/${calls}/${series}-series`,
    given: JSON.stringify(circumstances),
  };
}
