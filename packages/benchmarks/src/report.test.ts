import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { median, toTable } from "./report.ts";

test("the median stands between the middle two of an even number of runs, whatever their order", () => {
  expect(median([10, 9, 100])).toBe(10);
  expect(median([100, 9, 10, 12])).toBe(11);
  expect(() => median([])).toThrow("nothing was measured");
});

test("the table sets each peer in relation to the bare program, or else the first floor, of the same cell and variant", () => {
  const table = toTable({
    versions: { node: "24.0.0" },
    rows: [
      { cell: "startup/wall", peer: "bare", value: 40, unit: "ms" },
      { cell: "startup/wall", peer: "meterbridge", value: 50, unit: "ms" },
      { cell: "other/wall", peer: "prom-client", value: 7, unit: "ms" },
    ],
  });
  expect(table).toContain("| cell | peer | median | ratio |\n");
  expect(table).toContain("| startup/wall | meterbridge | 50.0 ms | 1.25 × bare |");
  expect(table).toContain("| other/wall | prom-client | 7.0 ms |  |");
  expect(table).toContain("node 24.0.0");

  const withVariants = toTable({
    versions: {},
    rows: [
      { cell: "summary/1m-events", variant: "sqlite", peer: "meterbridge", value: 0.5, unit: "ms", note: "target: 20" },
      { cell: "summary/1m-events", variant: "sqlite", peer: "floor-scan", value: 1500, unit: "ms" },
      { cell: "summary/1m-events", variant: "postgresql", peer: "meterbridge", value: 3, unit: "ms" },
    ],
  });
  expect(withVariants).toContain("| cell | variant | peer | median | ratio | note |\n");
  expect(withVariants).toContain(
    "| summary/1m-events | sqlite | meterbridge | 0.500 ms | 0.00033 × floor-scan | target: 20 |",
  );
  expect(withVariants).toContain("| summary/1m-events | sqlite | floor-scan | 1500 ms | 1.00 × floor-scan |  |");
  expect(withVariants).toContain("| summary/1m-events | postgresql | meterbridge | 3.0 ms |  |  |");
});

test.each([
  [["nonsense"], 'no benchmark is called "nonsense": there is '],
  [["ledger", "--cells", "speed"], 'no cell begins with "speed": there is write/app-thread'],
  [[], "exactly one benchmark has to be named"],
  [["startup", "--rounds", "1.5"], 'option "--rounds" must be a whole number from 1, found "1.5"'],
  [["startup", "--fast"], "--fast"],
])("pnpm bench %j says what is wrong and how it is used, and measures nothing", async (given, complaint) => {
  const run = promisify(execFile)(process.execPath, [path.join(import.meta.dirname, "bench.ts"), ...given]);
  const failure = await run.then(
    () => undefined,
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
  expect(failure).toMatchObject({ code: 1, stdout: "" });
  expect(failure?.stderr).toContain(complaint);
  expect(failure?.stderr).toContain("Usage: pnpm bench NAME");
});
