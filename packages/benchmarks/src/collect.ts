import { type PeerCell, runPeerProcesses } from "./peer-processes.ts";
import { recordPeers } from "./record-peers.ts";
import type { BenchmarkOptions, Report } from "./report.ts";
import type { CollectCell } from "./collect-process.ts";

// Those that keep sums to be collected.
const peers = recordPeers.filter(({ peer }) =>
  ["meterbridge", "otel-3", "otel-2", "prom-client", "platformatic"].includes(peer),
);

/** How long one collection of all series takes, every one of them recorded into since the last: milliseconds, the sum of all included. */
export async function collect(options: BenchmarkOptions): Promise<Report> {
  const cells = [cell("collect", "counter", 10_000), cell("collect", "histogram", 10_000)];
  return await runPeerProcesses({ script: "collect-process.ts", cells, unit: "ms", peers }, options);
}

/** Bytes that a series holds, arrays outside the heap included, after two rounds of recording and a collection. */
export async function memory(options: BenchmarkOptions): Promise<Report> {
  const cells = [cell("memory", "counter", 100_000), cell("memory", "histogram", 100_000)];
  return await runPeerProcesses({ script: "collect-process.ts", cells, unit: "B", peers }, options);
}

function cell(measure: CollectCell["measure"], kind: CollectCell["kind"], series: number): PeerCell {
  const given: CollectCell = { measure, kind, series };
  return { name: `${measure}/${kind}/${series}-series`, given: JSON.stringify(given) };
}
