import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { LedgerRow } from "../src/ledger-row.ts";
import { type PostgresqlStore, type PostgresqlStoreOptions, postgresqlStore } from "../src/postgresql.ts";
import { countRows, shuffled, usageRow, usageRows } from "./support/postgresql-rows.ts";
import { findPostgresql, type PostgresqlServer, queryOnce, startPostgresql } from "./support/postgresql-server.ts";

describe.skipIf(findPostgresql() === undefined)("months of rows in PostgreSQL", { timeout: 60_000 }, () => {
  let server: PostgresqlServer;
  let url: string;
  let stores: PostgresqlStore[] = [];

  beforeAll(async () => void (server = await startPostgresql()));
  afterAll(() => server.stop());
  beforeEach(async () => void (url = await server.createDatabase()));
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    stores = [];
  });

  function open(options: PostgresqlStoreOptions = {}): PostgresqlStore {
    const store = postgresqlStore({ url, ...options });
    stores.push(store);
    return store;
  }

  /** How many rows lie in each partition that has any. */
  async function places(): Promise<Record<string, number>> {
    const found = await queryOnce(
      url,
      "SELECT tableoid::regclass::text AS place, count(*)::int AS n FROM meterbridge.usage_events GROUP BY 1",
    );
    return Object.fromEntries(found.map(({ place, n }) => [String(place).replace("meterbridge.", ""), Number(n)]));
  }

  it("takes rows of next month, of 60 days ago and of no time at all, and knows each of them again", async () => {
    const store = open();
    const rows = [
      usageRow(),
      usageRow({ occurredAt: monthAt(1) + 1_000 }),
      usageRow({ occurredAt: Date.now() - 60 * 86_400_000 }),
      usageRow({ capturedAt: 0 }),
      usageRow({ capturedAt: Date.UTC(2099, 11, 31) }),
    ];
    expect(await store.append(rows)).toMatchObject({ written: 5 });
    expect(await store.append(rows)).toMatchObject({ duplicates: 5 });
    expect(await places()).toEqual({
      [partition(0)]: 1,
      [partition(1)]: 1,
      usage_events_default: 2,
      usage_events_timeless: 1,
    });
    expect(await countRows(url)).toEqual({ rows: 5, wrongBuckets: 0 });
    expect(await store.recount({ from: 0, to: Date.UTC(2100, 0, 1) })).toEqual([]);
  });

  it("moves rows that came before their partition, while others are written, and knows them again", async () => {
    const store = open({ monthsAhead: 1 });
    const early = Array.from({ length: 50 }, () => usageRow({ occurredAt: monthAt(2) + 5_000 }));
    await store.append([...early, usageRow({ capturedAt: 0 })]);
    expect(await places()).toEqual({ usage_events_default: 50, usage_events_timeless: 1 });
    let written = 51;
    const load = { isOver: false };
    const writing = (async () => {
      while (!load.isOver) written += (await store.append([...usageRows(10), ...early])).written;
    })();
    // Several at once, as when a fleet starts in a new month.
    await Promise.all(Array.from({ length: 3 }, () => open({ monthsAhead: 2 }).maintain()));
    load.isOver = true;
    await writing;
    expect(await places()).toMatchObject({ [partition(2)]: 50, usage_events_timeless: 1 });
    expect(await places()).not.toHaveProperty("usage_events_default");
    expect(await store.append(early)).toMatchObject({ duplicates: 50 });
    expect(await countRows(url)).toEqual({ rows: written, wrongBuckets: 0 });
    const indexes = await queryOnce(
      url,
      `SELECT count(*)::int AS n FROM pg_index WHERE indrelid = 'meterbridge.${partition(2)}'::regclass`,
    );
    expect(indexes).toEqual([{ n: 4 }]);
  });

  it("makes a month without a look at the rows that carry no time, which only ever get more", async () => {
    const store = open({ monthsAhead: 0, timeoutMillis: 2_000 });
    await store.append(usageRows(20, { capturedAt: 0 }));
    const reader = new pg.Client({ connectionString: url });
    await reader.connect();
    try {
      // Whoever would lock or scan them has to wait for this one.
      await reader.query("BEGIN");
      const { rows } = await reader.query(
        "SELECT count(*)::int AS n FROM meterbridge.usage_events WHERE captured_at = 'epoch'",
      );
      expect(rows).toEqual([{ n: 20 }]);
      await open({ monthsAhead: 1, timeoutMillis: 2_000 }).maintain();
      expect(await store.append([usageRow({ occurredAt: monthAt(1) })])).toMatchObject({ written: 1 });
      expect(await places()).toEqual({ [partition(1)]: 1, usage_events_timeless: 20 });
    } finally {
      await reader.end();
    }
  });

  it("forgets rows of months that are over, keeps what they added up to, and does not count them anew", async () => {
    const store = open();
    const [old, timeless, fresh] = [
      usageRow({ occurredAt: monthAt(-2) }),
      usageRow({ occurredAt: monthAt(-2), capturedAt: 0 }),
      usageRow(),
    ];
    await store.append([old, timeless, fresh]);
    expect(await store.retainedFrom()).toBeUndefined();
    await store.retain(new Date(monthAt(0) + 86_400_000));
    expect(await store.retainedFrom()).toEqual(new Date(monthAt(0)));
    expect(await places()).toEqual({ [partition(0)]: 1, usage_events_timeless: 1 });
    expect(await store.append([old, timeless, fresh])).toEqual({ written: 0, duplicates: 2, expired: 1 });
    const records = "SELECT sum(records)::int AS n FROM meterbridge.usage_totals";
    expect(await queryOnce(url, records)).toEqual([{ n: 3 }]);

    // A later moment drops the partition, an earlier one brings nothing back.
    await store.retain(new Date(monthAt(1)));
    await store.retain(new Date(monthAt(-5)));
    expect(await store.retainedFrom()).toEqual(new Date(monthAt(1)));
    expect(await places()).toEqual({ usage_events_timeless: 1 });
    expect(await store.append([old, timeless, fresh])).toEqual({ written: 0, duplicates: 1, expired: 2 });
    expect(await queryOnce(url, records)).toEqual([{ n: 3 }]);
  });

  it("counts every row at most once when months are dropped under appends and replays of their rows", async () => {
    const store = open({ monthsAhead: 3 });
    await store.open();
    // A tenant for each row, so that its total tells how often it was counted.
    const rows: LedgerRow[] = Array.from({ length: 2_000 }, (_, index) =>
      usageRow({ tenant: `row-${index}`, occurredAt: monthAt((index % 5) - 1) + index }),
    );
    let written = 0;
    let expired = 0;
    const load = { isOver: false };
    const writers = Array.from({ length: 4 }, async () => {
      const writer = open({ monthsAhead: 3 });
      while (!load.isOver) {
        for (let part = shuffled(rows); part.length > 0; part = part.slice(200)) {
          const result = await writer.append(part.slice(0, 200));
          written += result.written;
          expired += result.expired;
        }
      }
    });
    for (const month of [0, 1, 2, 3]) {
      await store.retain(new Date(monthAt(month)));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    load.isOver = true;
    await Promise.all(writers);
    const [counted] = await queryOnce(
      url,
      "SELECT sum(records)::int AS records, max(records)::int AS most FROM meterbridge.usage_totals",
    );
    expect(counted).toEqual({ records: written, most: 1 });
    expect(expired).toBeGreaterThan(0);
    const kept = rows.filter(({ capturedAt }) => capturedAt >= monthAt(3)).length;
    expect(await countRows(url)).toMatchObject({ rows: kept });
    expect(await places()).toEqual({ [partition(3)]: kept });
  });
});

/** The start of the month so many months from this one, in UTC. */
function monthAt(later: number): number {
  const now = new Date();
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + later, 1);
}

function partition(later: number): string {
  return `usage_events_${new Date(monthAt(later)).toISOString().slice(0, 7).replace("-", "_")}`;
}
