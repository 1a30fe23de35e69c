import { parseArgs } from "node:util";
import { type Benchmark, type BenchmarkOptions, toTable } from "./report.ts";

// One line per benchmark; each is loaded only when it is asked for, since the peers are heavy.
const benchmarks: Readonly<Record<string, () => Promise<Benchmark>>> = {
  record: async () => (await import("./record.ts")).record,
  collect: async () => (await import("./collect.ts")).collect,
  memory: async () => (await import("./collect.ts")).memory,
  scrape: async () => (await import("./scrape.ts")).scrape,
  startup: async () => (await import("./startup.ts")).startup,
  http: async () => (await import("./http.ts")).http,
  capture: async () => (await import("./capture.ts")).capture,
  otlp: async () => (await import("./otlp.ts")).otlp,
  logs: async () => (await import("./logs.ts")).logs,
  ledger: async () => (await import("./ledger.ts")).ledger,
};

const usage = `Usage: pnpm bench NAME [--rounds N] [--cells A,B] [--full] [--json]

  NAME         ${Object.keys(benchmarks).join(", ")}
  --rounds N   measured rounds, each running every peer once (default: the benchmark's own)
  --cells A,B  only cells whose names begin so, such as durable or write/app-thread
  --full       what takes many minutes, too: queries over 10 million events
  --json       print { versions, rows: [{ cell, variant, peer, value, unit, note }] } instead of a table
`;

try {
  const { name, json, options } = readArguments(process.argv.slice(2));
  const load = benchmarks[name];
  if (load === undefined) {
    throw new Error(`no benchmark is called "${name}": there is ${Object.keys(benchmarks).join(", ")}`);
  }
  const report = await (await load())(options);
  console.log(json ? JSON.stringify(report, null, 2) : toTable(report));
} catch (error) {
  console.error(`[bench] ${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  process.exitCode = 1;
}

function readArguments(given: string[]): { name: string; json: boolean; options: BenchmarkOptions } {
  const { values, positionals } = parseArgs({
    args: given,
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      full: { type: "boolean", default: false },
      rounds: { type: "string" },
      cells: { type: "string" },
    },
  });
  const [name, ...others] = positionals;
  if (name === undefined || others.length > 0) throw new Error("exactly one benchmark has to be named");
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && (!Number.isInteger(rounds) || rounds < 1)) {
    throw new Error(`option "--rounds" must be a whole number from 1, found "${values.rounds}"`);
  }
  return { name, json: values.json, options: { rounds, cells: values.cells?.split(","), full: values.full } };
}
