import { parseArgs } from "node:util";
import { type Benchmark, toTable } from "./report.ts";

// One line per benchmark; each is loaded only when it is asked for, since the peers are heavy.
const benchmarks: Readonly<Record<string, () => Promise<Benchmark>>> = {
  startup: async () => (await import("./startup.ts")).startup,
};

const usage = `Usage: pnpm bench NAME [--rounds N] [--json]

  NAME        ${Object.keys(benchmarks).join(", ")}
  --rounds N  measured rounds, each running every peer once (default 21)
  --json      print { versions, rows: [{ cell, peer, value, unit }] } instead of a table
`;

try {
  const { name, rounds, json } = readArguments(process.argv.slice(2));
  const load = benchmarks[name];
  if (load === undefined) {
    throw new Error(`no benchmark is called "${name}": there is ${Object.keys(benchmarks).join(", ")}`);
  }
  const report = await (await load())({ rounds });
  console.log(json ? JSON.stringify(report, null, 2) : toTable(report));
} catch (error) {
  console.error(`[bench] ${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  process.exitCode = 1;
}

function readArguments(given: string[]): { name: string; rounds: number; json: boolean } {
  const { values, positionals } = parseArgs({
    args: given,
    allowPositionals: true,
    options: { json: { type: "boolean", default: false }, rounds: { type: "string", default: "21" } },
  });
  const [name, ...others] = positionals;
  if (name === undefined || others.length > 0) throw new Error("exactly one benchmark has to be named");
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error(`option "--rounds" must be a whole number from 1, found "${values.rounds}"`);
  }
  return { name, rounds, json: values.json };
}
