import { cpus, totalmem } from "node:os";

/** Who is measured. Floors are the least that any solution would cost, or what users have today, under a name of their own. */
export type Peer =
  | "meterbridge"
  | "otel-3"
  | "otel-2"
  | "otel-auto"
  | "prom-client"
  | "platformatic"
  | "dd-trace"
  | "hot-shots"
  | "otel-openai"
  | "openllmetry"
  | "openlit"
  | "bare"
  | `floor-${string}`;

/** The median of one peer in one cell. */
export interface Row {
  /** What was measured, for example `startup/wall`. */
  readonly cell: string;
  /** Under which circumstances, where a cell has several: `sqlite, one tenant, UTC`. Ratios are taken within. */
  readonly variant?: string;
  readonly peer: Peer;
  readonly value: number;
  readonly unit: string;
  /** What has to be known to read the figure: the least and the most that was measured, what a floor does not do. */
  readonly note?: string;
}

export interface Report {
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
}

export interface BenchmarkOptions {
  /** Measured rounds. Each runs every peer once, so that a busy moment of the machine hits all alike. Default: the benchmark's. */
  readonly rounds?: number | undefined;
  /** Beginnings of the names of the cells to measure. Default: all. */
  readonly cells?: readonly string[] | undefined;
  /** Whether to measure what takes many minutes, too. Default false. */
  readonly full?: boolean | undefined;
}

export type Benchmark = (options: BenchmarkOptions) => Promise<Report>;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) throw new Error("nothing was measured");
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** A markdown table of the medians, each beside its ratio to `bare`, or else the first floor, of its cell. */
export function toTable({ versions, rows }: Report): string {
  const columns = [
    { title: "cell", text: (row: Row) => row.cell },
    { title: "variant", text: (row: Row) => row.variant ?? "" },
    { title: "peer", text: (row: Row) => row.peer },
    { title: "median", text: ({ value, unit }: Row) => `${rounded(value)} ${unit}`, rule: "---:" },
    { title: "ratio", text: (row: Row) => ratioOf(row, rows), rule: "---:" },
    { title: "note", text: (row: Row) => row.note ?? "" },
  ].filter(({ title, text }) => !["variant", "note"].includes(title) || rows.some((row) => text(row) !== ""));
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const processor = cpus()[0]?.model.trim() ?? "unknown processor";
  return [
    line(columns.map(({ title }) => title)),
    line(columns.map(({ rule }) => rule ?? "---")),
    ...rows.map((row) => line(columns.map(({ text }) => text(row)))),
    "",
    `${cpus().length} × ${processor}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}. ${names.join(", ")}.`,
  ].join("\n");
}

function ratioOf(row: Row, rows: readonly Row[]): string {
  const besides = rows.filter(({ cell, variant }) => cell === row.cell && variant === row.variant);
  const base = besides.find(({ peer }) => peer === "bare") ?? besides.find(({ peer }) => peer.startsWith("floor-"));
  return base === undefined ? "" : `${ratio(row.value / base.value)} × ${base.peer}`;
}

/** `toFixed` alone would call a thousandth nothing. */
function ratio(value: number): string {
  return value < 0.01 ? value.toPrecision(2) : value.toFixed(2);
}

/** Three digits and no more say something. */
function rounded(value: number): string {
  if (Math.abs(value) >= 1000) return String(Math.round(value));
  return value.toFixed(Math.abs(value) < 1 ? 3 : 1);
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
