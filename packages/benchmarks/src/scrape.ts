import { type PeerCell, runPeerProcesses } from "./peer-processes.ts";
import { recordPeers, type RecordPeer } from "./record-peers.ts";
import type { BenchmarkOptions, Report } from "./report.ts";
import type { ScrapeCell } from "./scrape-process.ts";
import { wantedCells } from "./wanted-cells.ts";

const packages: Readonly<Record<string, string>> = {
  meterbridge: "@meterbridge/exporter-prometheus",
  "otel-3": "@opentelemetry/exporter-prometheus",
  "prom-client": "prom-client",
  platformatic: "@platformatic/prom-client",
};

/** Those that Prometheus can scrape. */
const peers = recordPeers.flatMap((each): RecordPeer[] => {
  const name = packages[each.peer];
  return name === undefined ? [] : [{ peer: each.peer, open: each.open, package: name }];
});

const times: readonly PeerCell[] = [
  cell("counter/10000-series", { kind: "counter", series: 10_000 }),
  cell("counter/10000-series/cpu", { kind: "counter", series: 10_000, measure: "cpu" }, "all threads"),
  cell("counter/10000-series/openmetrics", { kind: "counter", series: 10_000, format: "openmetrics" }),
  cell("counter/10000-series/protobuf", { kind: "counter", series: 10_000, format: "protobuf" }),
  cell("counter/10000-series/gzip", { kind: "counter", series: 10_000, gzip: true }, "compressed on another thread"),
  cell("counter/10000-series/no-labels-kept", { kind: "counter", series: 10_000, labelCacheBytes: 0 }),
  cell(
    "counter/10000-series/100-concurrent",
    { kind: "counter", series: 10_000, scrapes: 100 },
    "all hundred together",
  ),
  cell("counter/100000-series", { kind: "counter", series: 100_000 }),
  cell("counter/100000-series/longest-block", { kind: "counter", series: 100_000, measure: "longest-block" }),
  cell("histogram/10000-series", { kind: "histogram", series: 10_000 }),
  cell("histogram/10000-series/cpu", { kind: "histogram", series: 10_000, measure: "cpu" }, "all threads"),
  cell("histogram/10000-series/protobuf", { kind: "histogram", series: 10_000, format: "protobuf" }),
  cell("histogram/10000-series/longest-block", { kind: "histogram", series: 10_000, measure: "longest-block" }),
];

const sizes: readonly PeerCell[] = [
  cell(
    "counter/100000-series/kept",
    { kind: "counter", series: 100_000, measure: "kept" },
    "labels that are kept, per series",
  ),
];

/** What a scrape takes, from the request to the bytes of the answer, every series recorded into since the last. Milliseconds, or bytes. */
export async function scrape(options: BenchmarkOptions): Promise<Report> {
  const wanted = wantedCells(
    [...times, ...sizes].map(({ name }) => name),
    options.cells,
  );
  const reports: Report[] = [];
  for (const [cells, unit] of [
    [times, "ms"],
    [sizes, "B"],
  ] as const) {
    const names = cells.map(({ name }) => name).filter((name) => wanted.has(name));
    if (names.length === 0) continue;
    reports.push(
      await runPeerProcesses(
        { script: "scrape-process.ts", cells: pick(cells, names), unit, peers },
        { rounds: options.rounds },
      ),
    );
  }
  return { versions: reports[0]?.versions ?? {}, rows: reports.flatMap(({ rows }) => rows) };
}

function pick(cells: readonly PeerCell[], names: readonly string[]): readonly PeerCell[] {
  return cells.filter(({ name }) => names.includes(name));
}

function cell(name: string, given: ScrapeCell, note?: string): PeerCell {
  return { name, given: JSON.stringify(given), ...(note === undefined ? {} : { note }) };
}
