import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { usageEvent } from "@meterbridge/testkit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { openLedger, type OpenedLedger } from "../src/open-ledger.ts";
import { findPostgresql, startPostgresql } from "./support/postgresql-server.ts";
import { findRedis, startRedis } from "./support/redis-server.ts";

let directory: string;
let opened: OpenedLedger[];
beforeEach(() => {
  directory = path.join(mkdtempSync(path.join(tmpdir(), "ledger-")), "kept");
  opened = [];
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(opened.map((ledger) => ledger.close(1000)));
  rmSync(path.dirname(directory), { recursive: true });
});

function open(options: Parameters<typeof openLedger>[0]): OpenedLedger {
  const ledger = openLedger({ directory, ...options });
  opened.push(ledger);
  return ledger;
}

const hour = 3_600_000;
async function eventsIn({ store }: OpenedLedger): Promise<number> {
  const from = Math.floor(Date.now() / hour) * hour - hour;
  return (await store.sums({ boundaries: [from, from + 3 * hour] }))[0]?.sums.events ?? 0;
}

test("one line keeps usage in a directory of its own, which git does not see", async () => {
  const ledger = open({});
  ledger.write(usageEvent({ tenant: "acme" }));
  expect(await ledger.flush()).toBe(true);
  expect(await eventsIn(ledger)).toBe(1);
  expect(ledger.description).toBe(`sqlite ${path.join(directory, "ledger.sqlite")}`);
  expect(ledger.status()).toMatchObject({ state: "ready", written: 1 });
  expect(readFileSync(path.join(directory, ".gitignore"), "utf8")).toBe("*\n");
  expect(statSync(directory).mode & 0o777).toBe(0o700);
});

describe("opened only when used", () => {
  test("a ledger that gets no event leaves nothing behind", async () => {
    const ledger = open({ opens: "when-used" });
    await ledger.flush();
    await ledger.close();
    expect(ledger.status()).toBeUndefined();
    expect(existsSync(directory)).toBe(false);
  });

  test("the first event opens it", async () => {
    const ledger = open({ opens: "when-used" });
    ledger.write(usageEvent({}));
    await ledger.flush();
    expect(await eventsIn(ledger)).toBe(1);
  });

  test("what an earlier process left waiting is brought without a first event", async () => {
    const first = open({ store: "postgresql", databaseUrl: "postgresql://nobody@127.0.0.1:1/none" });
    first.write(usageEvent({}));
    await first.flush();
    await first.close();
    const next = open({ opens: "when-used" });
    await until(async () => (await eventsIn(next)) === 1, "the event to be replayed");
  });
});

test.skipIf(findPostgresql() === undefined || findRedis() === undefined)(
  "PostgreSQL and Redis are found by DATABASE_URL and REDIS_URL, with hot counters and users across instances",
  async () => {
    const database = await startPostgresql();
    const cache = await startRedis();
    try {
      vi.stubEnv("DATABASE_URL", database.url);
      vi.stubEnv("REDIS_URL", cache.url);
      const [one, other] = [
        open({ store: "postgresql", counters: "redis" }),
        open({ store: "postgresql", counters: "redis" }),
      ];
      one.write(usageEvent({ tenant: "acme", kind: "task" }));
      other.write(usageEvent({ tenant: "acme", kind: "task" }));
      one.seen("ada", new Date(), "acme");
      other.seen("ada", new Date(), "acme");
      other.seen("bob", new Date(), "acme");
      await Promise.all([one.flush(), other.flush()]);
      await until(async () => {
        const reading = await one.redis?.counters.read("acme");
        return reading?.source === "redis" && reading.tasks === 2;
      }, "the counters to follow");
      await until(
        async () => (await one.redis?.activeUsers.active("5m", "acme"))?.users === 2,
        "the users to be counted",
      );
      expect(one.description).not.toContain("postgres@");
    } finally {
      await Promise.all(opened.splice(0).map((ledger) => ledger.close(2000)));
      await cache.stop();
      await database.stop();
    }
  },
);

test.each([
  [{ store: "mysql" }, 'option "store" must be "sqlite" or "postgresql", found "mysql"'],
  [{ directory: "" }, 'option "directory" must not be empty, found ""'],
  [{ opens: "later" }, 'option "opens" must be "now" or "when-used", found "later"'],
])("a wrong setting %o is told at once", (wrong, message) => {
  expect(() => openLedger(wrong as object)).toThrow(`[meterbridge] [ledger] ${message}`);
});

test("PostgreSQL without a database's address is told at once", () => {
  vi.stubEnv("DATABASE_URL", undefined);
  expect(() => openLedger({ store: "postgresql", directory })).toThrow("DATABASE_URL");
  expect(existsSync(directory)).toBe(false);
});
