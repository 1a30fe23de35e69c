import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { median, type Row } from "./report.ts";
import { buildPackages, type Contestant, runServer } from "./startup.ts";

/** What `start()` with a ledger adds to the start of a small server, in time and memory, against the same without one. */
export async function measureStartup(rounds: number): Promise<Row[]> {
  await buildPackages();
  const ways = [
    { variant: "opens when used", setting: {} },
    { variant: "opens now", setting: { METERBRIDGE_LEDGER: "sqlite" } },
  ].map((way) => ({ ...way, wall: [] as number[], memory: [] as number[] }));
  const without = { wall: [] as number[], memory: [] as number[] };
  // The first round warms the file system's cache and is thrown away.
  for (let round = 0; round <= rounds; round++) {
    const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-benchmark-"));
    try {
      const bare = await runServer(server({ METERBRIDGE_LEDGER: "off" }));
      if (round > 0) add(without, bare);
      for (const way of ways) {
        const place = { METERBRIDGE_LEDGER_DIRECTORY: path.join(directory, way.variant.replaceAll(" ", "-")) };
        const measured = await runServer(server({ ...way.setting, ...place }));
        if (round > 0) add(way, measured);
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  return ways.flatMap(({ variant, wall, memory }) => [
    ...rowsOf(`time, ${variant}`, without.wall, wall, "ms"),
    ...rowsOf(`memory, ${variant}`, without.memory, memory, "MB"),
  ]);
}

function server(environment: NodeJS.ProcessEnv): Contestant {
  return {
    peer: "meterbridge",
    flags: ["-r", "@meterbridge/node/register"],
    environment: { METERBRIDGE_EXPORTERS: "prometheus", METERBRIDGE_PROMETHEUS_PORT: "0", ...environment },
  };
}

function add(
  to: { wall: number[]; memory: number[] },
  { milliseconds, megabytes }: { milliseconds: number; megabytes: number },
): void {
  to.wall.push(milliseconds);
  to.memory.push(megabytes);
}

function rowsOf(variant: string, without: readonly number[], withLedger: readonly number[], unit: string): Row[] {
  const cell = "startup/ledger";
  const added = median(withLedger.map((value, round) => value - (without[round] ?? 0)));
  return [
    { cell, variant, peer: "bare", value: median(without), unit, note: "start() without a ledger" },
    {
      cell,
      variant,
      peer: "meterbridge",
      value: median(withLedger),
      unit,
      note: `adds ${added.toFixed(1)} ${unit} (target: 15)`,
    },
  ];
}
