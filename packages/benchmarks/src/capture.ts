import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { promisify } from "node:util";
import { median, type BenchmarkOptions, type Peer, type Report, type Row } from "./report.ts";
import { buildPackages, versionsOf } from "./startup.ts";
import { wantedCells } from "./wanted-cells.ts";

const contestants = ["bare", "meterbridge", "otel-openai", "openllmetry", "openlit"] as const satisfies readonly Peer[];

interface Cell {
  readonly name: string;
  readonly variant?: string;
  /** What `capture/client.cjs` is told to measure. */
  readonly given: string;
  readonly unit: string;
  /** Default: all. */
  readonly peers?: readonly Peer[];
}

function peersOf({ peers = contestants }: Cell): readonly Peer[] {
  return peers;
}

const asked = "the caller asks for usage";
const hidden = "it does not";
const cells: readonly Cell[] = [
  { name: "capture/plain-call", given: "plain", unit: "µs" },
  { name: "capture/first-chunk", given: "first-chunk", unit: "µs" },
  { name: "capture/stream-10000-chunks/burst", variant: asked, given: "stream-burst/asked", unit: "ms" },
  { name: "capture/stream-10000-chunks/burst", variant: hidden, given: "stream-burst", unit: "ms" },
  { name: "capture/stream-10000-chunks/paced", variant: asked, given: "stream-paced/asked", unit: "ms" },
  { name: "capture/stream-10000-chunks/paced", variant: hidden, given: "stream-paced", unit: "ms" },
  { name: "capture/memory-100000-chunks", given: "memory", unit: "KiB" },
  { name: "capture/start", given: "start", unit: "ms", peers: ["bare", "floor-no-capture", ...contestants.slice(1)] },
  { name: "capture/price-repeated", given: "price", unit: "ns", peers: ["floor-calc-price", "meterbridge"] },
];

/**
 * What metering costs a program that calls a model with the `openai` client, from a provider that answers at once:
 * `capture/plain-call`, processor time of a call that is not streamed; `capture/first-chunk`, time to a stream's first chunk;
 * `capture/stream-10000-chunks`, processor time of reading a stream to its end, in packets of one chunk (`paced`) or as large as they get
 * (`burst`); `capture/memory-100000-chunks`, by how much the heap grows over the length of a stream, garbage collected; `capture/start`,
 * from the start of the process until all is set up (`floor-no-capture` is Meterbridge without its capture); `capture/price-repeated`, one
 * price of a model that was priced before (`floor-calc-price` is what the price package does for that).
 */
export async function capture({ rounds = 5, cells: wished }: BenchmarkOptions): Promise<Report> {
  const wanted = wantedCells([...new Set(cells.map(({ name }) => name))], wished);
  await buildPackages();
  const provider = fork(path.join(import.meta.dirname, "capture/provider.cjs"), { execArgv: [] });
  try {
    const [port] = (await once(provider, "message")) as [number];
    const measured = cells
      .filter(({ name }) => wanted.has(name))
      .flatMap((cell) => peersOf(cell).map((peer) => ({ cell, peer, values: [] as number[], counted: NaN })));
    for (let round = 0; round < rounds; round++) {
      for (const each of measured) {
        const { value, counted } = await runClient(each.peer, each.cell.given, port);
        each.values.push(value);
        if (counted !== undefined) each.counted = counted;
      }
    }
    return {
      versions: { node: process.versions.node, ...versions() },
      rows: measured.map(({ cell, peer, values, counted }): Row => {
        const base = peersOf(cell).find((other) => other === "bare" || other.startsWith("floor-"));
        const compared = measured.find((other) => other.cell === cell && other.peer === base)!.values;
        return {
          cell: cell.name,
          ...(cell.variant !== undefined && { variant: cell.variant }),
          peer,
          value: median(values),
          unit: cell.unit,
          note: peer === base ? spread(values) : `${beside(values, compared)}${calls(counted)}`,
        };
      }),
    };
  } finally {
    provider.kill();
  }
}

/** In a process of its own, so that none has what another taught the compiler. */
async function runClient(peer: Peer, cell: string, port: number): Promise<{ value: number; counted?: number }> {
  const script = path.join(import.meta.dirname, "capture/client.cjs");
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", script, peer, cell, String(port)], {
    env: { PATH: process.env["PATH"] },
  });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as { value: number; counted?: number };
}

/** Peers that need the OpenTelemetry API of the generation before are installed beside that. */
const besideOlder = "../../../test/otel-2/node_modules";

function versions(): Readonly<Record<string, string>> {
  const older = ["openlit", "@traceloop/instrumentation-openai"] as const;
  const found = versionsOf(...older.map((name) => `${besideOlder}/${name}`));
  return {
    ...versionsOf("openai", "@meterbridge/node", "@opentelemetry/instrumentation-openai"),
    ...Object.fromEntries(older.map((name) => [name, found[`${besideOlder}/${name}`] ?? ""])),
  };
}

function spread(values: readonly number[]): string {
  return `${Math.round(Math.min(...values))} to ${Math.round(Math.max(...values))}`;
}

/** Round by round, since a busy machine slows both. */
function beside(values: readonly number[], bare: readonly number[]): string {
  return `median of the rounds' ratios: ${median(values.map((value, round) => value / bare[round]!)).toFixed(3)}`;
}

/** Who measures nothing costs nothing. */
function calls(counted: number): string {
  return Number.isNaN(counted) ? "" : `, counted ${counted} calls`;
}
