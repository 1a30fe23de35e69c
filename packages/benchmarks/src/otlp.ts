import { createServer } from "node:http";
import { type PeerCell, runPeerProcesses } from "./peer-processes.ts";
import { recordPeers, type RecordPeer } from "./record-peers.ts";
import type { BenchmarkOptions, Report } from "./report.ts";
import type { OtlpCell } from "./otlp-process.ts";

const packages: Readonly<Record<string, string>> = {
  meterbridge: "@meterbridge/exporter-otlp",
  "otel-3": "@opentelemetry/exporter-metrics-otlp-proto",
};

/** Each records with its own SDK and sends with its own exporter. */
const peers = recordPeers.flatMap((each): RecordPeer[] => {
  const name = packages[each.peer];
  return name === undefined ? [] : [{ peer: each.peer, open: each.open, package: name }];
});

const cells: readonly Omit<OtlpCell, "url">[] = [
  { kind: "counter", series: 10_000, temporality: "cumulative" },
  { kind: "counter", series: 10_000, temporality: "delta" },
  { kind: "histogram", series: 10_000, temporality: "cumulative" },
  { kind: "histogram", series: 10_000, temporality: "delta" },
  { kind: "counter", series: 100_000, temporality: "cumulative" },
];

/**
 * What one export takes: `counter/10000-series/protobuf` and so on, milliseconds of processor time for collecting every series,
 * writing it as protobuf and posting it to a server that is another process. All series were recorded into since the last.
 */
export async function otlp(options: BenchmarkOptions): Promise<Report> {
  const sink = await startSink();
  try {
    const script = "otlp-process.ts";
    return await runPeerProcesses(
      { script, unit: "ms", peers, cells: cells.map((cell) => asPeerCell({ ...cell, url: sink.url })) },
      options,
    );
  } finally {
    sink.stop();
  }
}

function asPeerCell(cell: OtlpCell): PeerCell {
  const delta = cell.temporality === "delta" ? "/delta" : "";
  return { name: `${cell.kind}/${cell.series}-series/protobuf${delta}`, given: JSON.stringify(cell) };
}

/** Takes everything and looks at nothing. */
async function startSink(): Promise<{ readonly url: string; stop(): void }> {
  const server = createServer((request, response) => request.resume().once("end", () => response.end()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return {
    url: `http://127.0.0.1:${address.port}/v1/metrics`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
