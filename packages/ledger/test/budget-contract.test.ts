import { createBudgets, type Budgets, type BudgetsOptions } from "@meterbridge/ledger";
import { connectRedis, type RedisConnection } from "@meterbridge/ledger/redis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { everyTenant, noon, spentLedger, stateOf } from "./support/budget-parts.ts";
import { findRedis, type RedisServer, startRedis } from "./support/redis-server.ts";

// The same promises, counted in the process and counted in Redis.
describe.each(["in process", "in Redis"] as const)("budgets counted %s", (where) => {
  const isRedis = where === "in Redis";
  let server: RedisServer | undefined;
  let redis: RedisConnection | undefined;
  let clock = noon;
  const opened: Budgets[] = [];

  beforeAll(async () => {
    if (!isRedis || findRedis() === undefined) return;
    server = await startRedis();
    redis = connectRedis({ url: server.url });
  });
  afterAll(async () => {
    redis?.close();
    await server?.stop();
  });
  beforeEach(async (test) => {
    if (isRedis && server === undefined) test.skip("no redis-server");
    clock = noon;
    await server?.command("FLUSHALL");
  });
  afterEach(async () => {
    for (const budgets of opened.splice(0)) await budgets.close();
  });

  function open(options: Partial<BudgetsOptions> = {}): Budgets {
    const budgets = createBudgets({ budgets: [everyTenant], redis, now: () => clock, ...options });
    opened.push(budgets);
    return budgets;
  }

  it("grants up to the limit and not one nano-USD more", async () => {
    const budgets = open();
    const first = await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 70n } });
    expect(first).toMatchObject({ granted: true, refusedBy: undefined, state: "ok" });
    const tooMuch = await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 31n } });
    expect(tooMuch).toMatchObject({ granted: false, refusedBy: "each tenant", state: "hard" });
    expect(await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 30n } })).toMatchObject({
      granted: true,
      state: "soft",
    });
    expect((await budgets.reserve({ tenant: "acme", estimate: {} })).granted).toBe(false);
  });

  it("keeps one tenant's spending from another tenant's budget", async () => {
    const budgets = open();
    await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 100n } });
    expect((await budgets.reserve({ tenant: "globex", estimate: { nanoUsd: 100n } })).granted).toBe(true);
    expect((await budgets.reserve({ estimate: { nanoUsd: 100n } })).granted).toBe(true);
    expect(stateOf(budgets, "each tenant", "default").reserved).toBe(100n);
  });

  it("settles to what was really used, less or more than estimated", async () => {
    const budgets = open();
    const cheap = await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 50n } });
    const dear = await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 50n } });
    await cheap.commit({ nanoUsd: 10n });
    expect(stateOf(budgets, "each tenant")).toMatchObject({ used: 10n, reserved: 50n });
    await dear.commit({ nanoUsd: 120n });
    expect(stateOf(budgets, "each tenant")).toMatchObject({ used: 130n, reserved: 0n });
    expect((await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 0n } })).granted).toBe(false);
  });

  it("gives a released estimate back, and counts a reservation once however often it is settled", async () => {
    const budgets = open();
    const released = await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 60n } });
    await released.release();
    await released.commit({ nanoUsd: 60n });
    const committed = await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 60n } });
    await Promise.all([committed.commit({ nanoUsd: 60n }), committed.commit({ nanoUsd: 60n }), committed.release()]);
    expect(stateOf(budgets, "each tenant")).toMatchObject({ used: 60n, reserved: 0n });
  });

  it("counts the estimate where the cost is not known or is no amount, since unpriced is never free", async () => {
    const warnings: string[] = [];
    const budgets = open({ diag: { warn: (message) => void warnings.push(message) } });
    await (
      await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 20n } })
    ).commit({ nanoUsd: null, tokens: 500 });
    await (await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 20n } })).commit({ nanoUsd: -5n });
    expect(stateOf(budgets, "each tenant").used).toBe(40n);
    expect(warnings).toEqual([expect.stringContaining(".nanoUsd must be a bigint from 0n")]);
  });

  it("takes from every budget that applies, or from none", async () => {
    const budgets = open({
      budgets: [
        everyTenant,
        { name: "company", scope: {}, limit: { nanoUsd: 150n }, window: { kind: "month" } },
        { name: "tokens", scope: { tenant: "*", model: "gpt-5" }, limit: { tokens: 1000 }, window: { kind: "hour" } },
      ],
    });
    const estimate = { nanoUsd: 80n, tokens: 400 };
    await budgets.reserve({ tenant: "acme", model: "gpt-5", estimate });
    const refused = await budgets.reserve({ tenant: "globex", model: "gpt-5", estimate });
    expect(refused.refusedBy).toBe("company");
    expect(stateOf(budgets, "company").reserved).toBe(80n);
    expect((await budgets.reserve({ tenant: "globex", model: "o3", estimate: { nanoUsd: 70n } })).granted).toBe(true);
    expect(stateOf(budgets, "each tenant", "globex").reserved).toBe(70n);
    expect(stateOf(budgets, "tokens", "acme").reserved).toBe(400n);
  });

  it("only tells where a budget is not hard", async () => {
    const budgets = open({ budgets: [{ ...everyTenant, hard: false, soft: 0.5 }] });
    const states = [];
    for (let call = 0; call < 4; call += 1) {
      const { granted, state } = await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 40n } });
      states.push(granted && state);
    }
    expect(states).toEqual(["ok", "soft", "hard", "hard"]);
  });

  it("gives the estimate of a holder that died back when its lease runs out, and still counts a late commit", async () => {
    const budgets = open({ leaseSeconds: 60 });
    const late = await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 100n } });
    clock += 59_999;
    expect((await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 1n } })).granted).toBe(false);
    clock += 1;
    const next = await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 100n } });
    expect(next.granted).toBe(true);
    await late.commit({ nanoUsd: 90n });
    await next.commit({ nanoUsd: 5n });
    expect(stateOf(budgets, "each tenant")).toMatchObject({ used: 95n, reserved: 0n });
  });

  it("counts a call in the window in which it was reserved, though it ends in the next", async () => {
    const budgets = open();
    clock = Date.UTC(2026, 10, 21, 23, 59, 50);
    const overnight = await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 100n } });
    clock += 20_000;
    const morning = await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 100n } });
    expect(morning.granted).toBe(true);
    await overnight.commit({ nanoUsd: 100n });
    await morning.commit({ nanoUsd: 10n });
    expect(stateOf(budgets, "each tenant")).toMatchObject({ used: 10n, windowStart: new Date("2026-11-22T00:00:00Z") });
    clock -= 20_000;
    expect((await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 1n } })).granted).toBe(false);
  });

  it("goes by the clocks of its time zone on the day that has 25 hours", async () => {
    const budgets = open({
      budgets: [{ ...everyTenant, window: { kind: "day", timeZone: "America/New_York" } }],
      leaseSeconds: 86_400,
    });
    // 2026-11-01: clocks go back at 02:00. The day is from 04:00 UTC to 05:00 UTC of the next.
    clock = Date.UTC(2026, 10, 1, 4);
    await (await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 100n } })).commit({ nanoUsd: 100n });
    clock = Date.UTC(2026, 10, 2, 4, 59, 59);
    expect((await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 1n } })).granted).toBe(false);
    clock = Date.UTC(2026, 10, 2, 5);
    expect((await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 1n } })).granted).toBe(true);
    expect(stateOf(budgets, "each tenant").windowEnd).toEqual(new Date("2026-11-03T05:00:00Z"));
  });

  it("lets a rolling window forget what is older than it", async () => {
    const budgets = open({ budgets: [{ ...everyTenant, window: { kind: "rolling", seconds: 60 } }] });
    await (await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 60n } })).commit({ nanoUsd: 60n });
    clock += 30_000;
    await (await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 40n } })).commit({ nanoUsd: 40n });
    clock += 30_000;
    expect((await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 60n } })).granted).toBe(false);
    clock += 1_000;
    expect((await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 60n } })).granted).toBe(true);
    expect((await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 1n } })).granted).toBe(false);
  });

  it("begins with what the ledger says was spent, once for all who ask at the same time", async () => {
    const store = spentLedger();
    store.spent.push({ at: noon - 3_600_000, tenant: "acme", nanoUsd: 90n });
    store.spent.push({ at: noon - 86_400_000, tenant: "acme", nanoUsd: 1000n });
    store.spent.push({ at: noon, tenant: "globex", nanoUsd: 1000n });
    const [one, two] = [open({ store }), open({ store })];
    const asked = [one, one, two, two].map((budgets) =>
      budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 10n } }),
    );
    const answers = await Promise.all(asked);
    // In process each keeps its own count.
    expect(answers.filter(({ granted }) => granted)).toHaveLength(isRedis ? 1 : 2);
    expect(stateOf(one, "each tenant").used).toBe(90n);
  });

  it("raises what was used to the ledger's sum, never counts a call in both, and never lowers", async () => {
    const store = spentLedger();
    const budgets = open({ store });
    await (await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 10n } })).commit({ nanoUsd: 10n });
    await budgets.reconcile();
    expect(stateOf(budgets, "each tenant").used).toBe(10n);
    store.spent.push({ at: noon, tenant: "acme", nanoUsd: 10n });
    await budgets.reconcile();
    expect(stateOf(budgets, "each tenant").used).toBe(10n);
    store.spent.push({ at: noon, tenant: "acme", nanoUsd: 25n });
    await Promise.all([budgets.reconcile(), budgets.reconcile()]);
    expect(stateOf(budgets, "each tenant").used).toBe(35n);
  });

  it("puts what the ledger has more into a rolling window by the time it was spent", async () => {
    const store = spentLedger();
    const budgets = open({ store, budgets: [{ ...everyTenant, window: { kind: "rolling", seconds: 3600 } }] });
    store.spent.push(
      { at: noon - 3_000_000, tenant: "acme", nanoUsd: 60n },
      { at: noon, tenant: "acme", nanoUsd: 30n },
    );
    const first = await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 10n } });
    expect(first.granted).toBe(true);
    await first.commit({ nanoUsd: 10n });
    expect((await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 1n } })).granted).toBe(false);
    clock += 1_800_000;
    expect((await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 60n } })).granted).toBe(true);
  });

  it("grants by what it has counted while the ledger cannot be read, and refuses when it is to fail closed", async () => {
    const store = spentLedger();
    for (const trouble of ["fails", "hangs"] as const) {
      store.trouble = trouble;
      const warnings: string[] = [];
      const diag = { warn: (message: string) => void warnings.push(message) };
      const request = { tenant: trouble, estimate: { nanoUsd: 10n } };
      const closed = await open({ store, diag, whenRedisIsGone: "fail-closed", timeoutMillis: 300 }).reserve(request);
      expect(closed).toMatchObject({
        granted: false,
        refusedBy: undefined,
        reason: expect.stringContaining("fail closed"),
      });
      const lenient = open({ store, diag, timeoutMillis: 300 });
      expect((await lenient.reserve(request)).granted).toBe(true);
      store.trouble = "none";
      store.spent.push({ at: noon, tenant: trouble, nanoUsd: 95n });
      await lenient.reconcile();
      expect((await lenient.reserve(request)).granted).toBe(false);
      expect(warnings).toHaveLength(3);
    }
  });

  it("takes hostile names as they are and keeps their budgets apart", async () => {
    const budgets = open();
    const names = ["a{b}", "a", "a:b", "}{", "*", "%", "a|1|2", "\0", "x".repeat(1_000_000), "line\nbreak"];
    for (const tenant of names) {
      const reservation = await budgets.reserve({ tenant, estimate: { nanoUsd: 100n } });
      expect(reservation.granted, tenant.slice(0, 20)).toBe(true);
      await reservation.commit({ nanoUsd: 99n });
    }
    expect(budgets.state().map(({ used }) => used)).toEqual(names.map(() => 99n));
  });

  it("stays exact with the largest limits", async () => {
    const budgets = open({ budgets: [{ ...everyTenant, limit: { nanoUsd: 9_000_000_000_000_000n } }] });
    const first = await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 8_999_999_999_999_998n } });
    expect(first.granted).toBe(true);
    expect((await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 3n } })).granted).toBe(false);
    expect((await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 2n } })).granted).toBe(true);
    await first.commit({ nanoUsd: 8_999_999_999_999_997n });
    expect((await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 1n } })).granted).toBe(true);
    expect((await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: 1n } })).granted).toBe(false);
  });
});
