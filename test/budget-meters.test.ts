import { catalogue } from "@meterbridge/core";
import { type Budget, createBudgets } from "@meterbridge/ledger";
import { metrics } from "@opentelemetry/api";
import { type MetricData, MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { afterEach, expect, test } from "vitest";

afterEach(() => metrics.disable());

test("what budgets tell stands in the catalogue as it is recorded: names, units, attributes", async () => {
  const window = { kind: "day" } as const;
  const scope = { tenant: "*", employee: "*", project: "*", model: "*" };
  const budgets = createBudgets({ budgets: [{ name: "each", scope, limit: { tokens: 10 }, window }] });
  // Registered later than the budgets were made.
  const reader = provide();
  await budgets.reserve({ tenant: "acme", employee: "ann", project: "site", model: "gpt-5", estimate: { tokens: 6 } });
  const recorded = (await read(reader)).map(({ descriptor: { name, unit, description }, dataPoints }) => {
    return { name, unit, description, attributes: Object.keys(dataPoints[0]?.attributes ?? {}) };
  });
  const promised = catalogue
    .filter(({ name }) => name.startsWith("meterbridge.budget."))
    .map(({ name, unit, description, attributes }) => ({
      name,
      unit,
      description,
      attributes: Object.keys(attributes),
    }));
  expect(recorded.toSorted(byName)).toEqual(promised.toSorted(byName));
  await budgets.close();
});

test("every outcome of a reservation is counted by the word that the catalogue allows", async () => {
  const reader = provide();
  let clock = Date.UTC(2026, 10, 21, 12);
  const common = { scope: {}, window: { kind: "day" }, limit: { tokens: 10 } } as const;
  const list: Budget[] = [{ name: "each", ...common }];
  const budgets = createBudgets({ budgets: list, now: () => clock });
  const take = (tokens: number) => budgets.reserve({ estimate: { tokens } });
  await (await take(2)).commit({ tokens: 2 });
  await take(6);
  await take(6);
  clock += 120_000;
  await take(1);
  for (const [name, whenRedisIsGone] of [
    ["open", "fail-open"],
    ["closed", "fail-closed"],
    ["local", "local-share"],
  ] as const) {
    const gone = createBudgets({ budgets: [{ name, ...common }], redis: goneRedis, whenRedisIsGone, now: () => clock });
    await gone.reserve({ estimate: { tokens: 1 } });
    await gone.close();
  }
  const counted = (await read(reader)).find(({ descriptor }) => descriptor.name.endsWith("reservations"));
  expect(
    Object.fromEntries(
      counted!.dataPoints.map(({ attributes, value }) => [Object.values(attributes).join(" "), value]),
    ),
  ).toEqual({
    "each granted": 2,
    "each soft": 1,
    "each refused": 1,
    "each expired": 1,
    "open failed_open": 1,
    "closed failed_closed": 1,
    "local local_share": 1,
  });
  await budgets.close();
});

test("the fullest two hundred budgets have series and the rest have none, however many tenants there are", async () => {
  const reader = provide();
  const window = { kind: "month" } as const;
  const budgets = createBudgets({
    budgets: [{ name: "each", scope: { tenant: "*" }, limit: { tokens: 1000 }, window }],
  });
  for (let tenant = 0; tenant < 500; tenant += 1) {
    await budgets.reserve({ tenant: `t${tenant}`, estimate: { tokens: tenant } });
  }
  const used = (await read(reader)).find(({ descriptor }) => descriptor.name.endsWith("used"))!.dataPoints;
  expect(used).toHaveLength(200);
  expect(Math.min(...used.map(({ value }) => value as number))).toBe(0.3);
  await budgets.close();
});

const unavailable = async (): Promise<never> => {
  throw new Error("gone");
};
const goneRedis = {
  state: "down",
  isServing: () => Promise.resolve(false),
  where: "nowhere",
  command: unavailable,
  script: unavailable,
  onStateChange: () => () => {},
  onReconnect: () => () => {},
  close() {},
} as const;

function provide(): PullReader {
  const reader = new PullReader();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  return reader;
}

async function read(reader: PullReader): Promise<readonly MetricData[]> {
  const { resourceMetrics, errors } = await reader.collect();
  expect(errors).toEqual([]);
  return resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
}

class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

function byName(left: { readonly name: string }, right: { readonly name: string }): number {
  return left.name < right.name ? -1 : 1;
}
