import { createBudgets } from "@meterbridge/ledger";
import { connectRedis } from "@meterbridge/ledger/redis";

// One of several processes that spend from the same budget: prints what it was granted.
const [url = "", reservations = "0"] = process.argv.slice(2);
const redis = connectRedis({ url, timeoutMillis: 20_000 });
const budgets = createBudgets({
  budgets: [{ name: "shared", scope: { tenant: "*" }, limit: { nanoUsd: 1000n }, window: { kind: "month" } }],
  redis,
  whenRedisIsGone: "fail-closed",
  timeoutMillis: 20_000,
});

async function spend(index: number): Promise<bigint> {
  const amount = BigInt(1 + (index % 7));
  const reservation = await budgets.reserve({ tenant: "acme", estimate: { nanoUsd: amount } });
  if (!reservation.granted) return 0n;
  if (index % 3 === 0) {
    await reservation.release();
    return 0n;
  }
  await reservation.commit({ nanoUsd: amount });
  return amount;
}

async function run(): Promise<void> {
  let spent = 0n;
  for (let index = 0; index < Number(reservations); index += 4) {
    const some = await Promise.all([0, 1, 2, 3].map((lane) => spend(index + lane)));
    spent += some.reduce((sum, amount) => sum + amount, 0n);
  }
  process.stdout.write(`${spent}\n`);
  await budgets.close();
  redis.close();
}

void run();
