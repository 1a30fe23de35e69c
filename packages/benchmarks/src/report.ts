import { cpus, totalmem } from "node:os";

/** Who is measured. Floors are the least that any solution would cost, under a name of their own. */
export type Peer = "meterbridge" | "otel-3" | "otel-auto" | "prom-client" | "bare" | `floor-${string}`;

/** The median of one peer in one cell. */
export interface Row {
  /** What was measured, for example `startup/wall`. */
  readonly cell: string;
  readonly peer: Peer;
  readonly value: number;
  readonly unit: string;
}

export interface Report {
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
}

export interface BenchmarkOptions {
  /** Measured rounds. Each runs every peer once, so that a busy moment of the machine hits all alike. */
  readonly rounds: number;
}

export type Benchmark = (options: BenchmarkOptions) => Promise<Report>;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) throw new Error("nothing was measured");
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** A markdown table of the medians, each beside its ratio to `bare` where that was measured. */
export function toTable({ versions, rows }: Report): string {
  const lines = rows.map(({ cell, peer, value, unit }) => {
    const bare = rows.find((row) => row.cell === cell && row.peer === "bare");
    const ratio = bare === undefined ? "" : (value / bare.value).toFixed(2);
    return `| ${cell} | ${peer} | ${value.toFixed(1)} ${unit} | ${ratio} |`;
  });
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const processor = cpus()[0]?.model.trim() ?? "unknown processor";
  return [
    "| cell | peer | median | times bare |",
    "| --- | --- | ---: | ---: |",
    ...lines,
    "",
    `${cpus().length} × ${processor}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}. ${names.join(", ")}.`,
  ].join("\n");
}
