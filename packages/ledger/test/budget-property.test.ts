import { createBudgets, type Reservation } from "@meterbridge/ledger";
import { connectRedis, type RedisConnection } from "@meterbridge/ledger/redis";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { everyTenant, noon, stateOf } from "./support/budget-parts.ts";
import { findRedis, type RedisServer, startRedis } from "./support/redis-server.ts";

const leaseSeconds = 60;
const limit = 100n;

/** One step of one of three actors. Settling takes one of the open reservations, whoever made it. */
const step = fc.oneof(
  fc.record({ does: fc.constant("reserve" as const), actor: fc.nat(2), amount: fc.bigInt(0n, 60n) }),
  fc.record({ does: fc.constant("commit" as const), which: fc.nat(20), amount: fc.bigInt(0n, 80n) }),
  fc.record({ does: fc.constant("release" as const), which: fc.nat(20) }),
  fc.record({ does: fc.constant("wait" as const), seconds: fc.integer({ min: -5, max: 50 }) }),
);

describe.each(["in process", "in Redis"] as const)("whatever several actors do, counted %s", (where) => {
  let server: RedisServer | undefined;
  let redis: RedisConnection | undefined;

  beforeAll(async () => {
    if (where === "in process" || findRedis() === undefined) return;
    server = await startRedis();
    redis = connectRedis({ url: server.url });
  });
  afterAll(async () => {
    redis?.close();
    await server?.stop();
  });

  it("a hard limit is passed by no more than what commits exceeded their estimates and leases ran out, and what was used is what was committed", async (running) => {
    if (where === "in Redis" && redis === undefined) running.skip("no redis-server");
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await server?.command("FLUSHALL");
        let clock = noon;
        const open = () =>
          createBudgets({
            budgets: [{ ...everyTenant, limit: { nanoUsd: limit } }],
            redis,
            leaseSeconds,
            now: () => clock,
            timeoutMillis: 10_000,
          });
        // In one process the actors share what counts; through Redis each is a process of its own.
        const budgets = redis === undefined ? Array<ReturnType<typeof open>>(3).fill(open()) : [open(), open(), open()];
        const held: { reservation: Reservation; estimate: bigint; until: number }[] = [];
        let [committed, excess] = [0n, 0n];
        let latest = clock;
        for (const one of steps) {
          if (one.does === "wait") {
            clock += one.seconds * 1000;
            latest = Math.max(latest, clock);
          } else if (one.does === "reserve") {
            const request = { tenant: "acme", estimate: { nanoUsd: one.amount } };
            const reservation = await budgets[one.actor]!.reserve(request);
            if (!reservation.granted) continue;
            held.push({ reservation, estimate: one.amount, until: clock + leaseSeconds * 1000 });
            const alive = held.filter(({ until }) => until > latest).reduce((sum, { estimate }) => sum + estimate, 0n);
            expect(committed + alive <= limit + excess).toBe(true);
          } else if (held.length > 0) {
            const [{ reservation, estimate, until }] = held.splice(one.which % held.length, 1) as [(typeof held)[0]];
            if (one.does === "release") await reservation.release();
            else {
              await reservation.commit({ nanoUsd: one.amount });
              committed += one.amount;
              // What had run out may have been granted to somebody else.
              const kept = until > latest ? estimate : 0n;
              if (one.amount > kept) excess += one.amount - kept;
            }
          }
        }
        for (const { reservation } of held) await reservation.release();
        if (steps.some(({ does }) => does === "reserve")) {
          await budgets[0]!.reserve({ tenant: "acme", estimate: {} }).then((probe) => probe.release());
          expect(stateOf(budgets[0]!, everyTenant.name)).toMatchObject({ used: committed, reserved: 0n });
        }
        await Promise.all(budgets.map((one) => one.close()));
      }),
      { numRuns: where === "in Redis" ? 60 : 400 },
    );
  }, 60_000);
});
