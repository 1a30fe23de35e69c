import { expect, test } from "vitest";
import { measureHttp } from "./http.ts";

test("the benchmark of request meters gives every figure of every peer, after it has counted the requests", async () => {
  const report = await measureHttp(
    { rounds: 1 },
    { secondsPerRun: 1, variants: ["node:http", "express", "fastify"], flags: ["--conditions=@meterbridge/source"] },
  );
  if (report.versions["wrk"] === undefined) return expect(report.rows).toEqual([]);
  expect(report.rows).toHaveLength(3 * 3 * 4);
  for (const { cell, peer, value, unit } of report.rows) {
    expect(value, `${cell} ${peer}`).toBeGreaterThan(0);
    expect(unit).toMatch(/^(?:requests\/s|ms|µs)$/);
  }
  expect(new Set(report.rows.map(({ peer }) => peer))).toEqual(
    new Set(["bare", "prom-client", "meterbridge", "otel-3"]),
  );
}, 240_000);
