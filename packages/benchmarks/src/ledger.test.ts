import { beforeAll, describe, expect, test } from "vitest";
import { createEvents, createEventSource, expectedSums } from "./ledger-events.ts";
import { type LedgerSizes, measureLedger } from "./ledger.ts";
import type { Report } from "./report.ts";
import { wantedCells } from "./wanted-cells.ts";

/** Big enough for several batches and days, too small to say anything about speed. */
const tinySizes: LedgerSizes = {
  eventsPerSecond: 500,
  writeSeconds: 0.3,
  sqliteEvents: 1500,
  postgresqlEvents: 1500,
  insertEvents: 50,
  redisListEvents: 1500,
  contentionEvents: 500,
  histories: [{ name: "tiny", events: 2000 }],
  queryRounds: 1,
  scanRounds: 1,
};

// Every cell counts what it finds, and throws when an event is lost, counted twice, or summed up wrongly.
describe("the benchmark of the ledger", () => {
  let report: Report;

  beforeAll(async () => {
    const cells = ["write", "durable", "contention", "summary", "by-model", "timeline"];
    report = await measureLedger({ rounds: 1, cells }, tinySizes);
  }, 240_000);

  const peersOf = (cell: string): string[] => report.rows.filter((row) => row.cell === cell).map(({ peer }) => peer);

  test("every figure comes out of exact counts, as a number with its unit", () => {
    for (const row of report.rows) {
      expect(row).toMatchObject({ cell: expect.stringContaining("/"), unit: expect.stringMatching(/./) });
      expect(row.value, `${row.cell} ${row.variant}`).toBeGreaterThan(0);
    }
  });

  test("writing is measured beside the same program without a ledger", () => {
    expect(new Set(peersOf("write/app-thread"))).toEqual(new Set(["meterbridge", "bare"]));
    expect(new Set(peersOf("write/loop-block"))).toEqual(new Set(["meterbridge", "bare"]));
  });

  test("SQLite and its queries need nothing installed, and stand beside what users have", () => {
    expect(peersOf("durable/sqlite")).toEqual(["meterbridge", "floor-insert"]);
    for (const query of ["summary", "by-model", "timeline"]) {
      const variants = report.rows.filter(({ cell }) => cell === `${query}/tiny`).map(({ variant }) => variant);
      expect(variants).toEqual(
        expect.arrayContaining(["sqlite, all tenants, UTC", "sqlite, one tenant, Europe/Berlin"]),
      );
    }
  });

  test("PostgreSQL's cells are there whenever it is, with their peers", () => {
    if (report.versions["postgresql"] === undefined) return expect(peersOf("durable/postgresql")).toEqual([]);
    const redis = report.versions["redis"] === undefined ? [] : ["floor-redis-list"];
    expect(peersOf("durable/postgresql")).toEqual(["meterbridge", "floor-insert", ...redis]);
    expect(peersOf("contention/eight-writers")).toEqual(["meterbridge"]);
  });
});

describe("the events", () => {
  test("are the same for the same seed, but for their ids, so that two runs can be held against each other", () => {
    const [one, other] = [createEventSource(7), createEventSource(7)];
    for (let index = 0; index < 100; index++) {
      const { eventId: first, ...left } = one(1e12 + index);
      const { eventId: second, ...right } = other(1e12 + index);
      expect(left).toEqual(right);
      expect(first).not.toBe(second);
      expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  test("fall upon tenants by Zipf's law and upon kinds as said, so that the figures mean what they claim", () => {
    const events = createEvents(8, 20_000, 1e12);
    const share = (tenant: string): number => events.filter((event) => event.tenant === tenant).length / events.length;
    expect(share("tenant-1")).toBeCloseTo(0.222, 1);
    expect(share("tenant-1") / share("tenant-10")).toBeGreaterThan(5);
    expect(new Set(events.map(({ tenant }) => tenant)).size).toBe(50);
    const calls = events.filter(({ kind }) => kind === "llm_call").length / events.length;
    expect(calls).toBeCloseTo(0.8, 1);
    const { costNanoUsd, inputTokens } = expectedSums(events);
    expect(costNanoUsd).toBeGreaterThan(BigInt(inputTokens) * 1250n);
  });
});

test("a cell that does not exist is told, and a beginning stands for all that begin so", () => {
  const names = ["write/app-thread", "write/loop-block", "durable/sqlite"];
  expect([...wantedCells(names, ["write"])]).toEqual(["write/app-thread", "write/loop-block"]);
  expect([...wantedCells(names, undefined)]).toEqual(names);
  expect(() => wantedCells(names, ["speed"])).toThrow('no cell begins with "speed": there is write/app-thread');
  expect(() => wantedCells(names, [""])).toThrow('no cell begins with ""');
});
