import { catalogue, type UsageEvent } from "@meterbridge/core";
import { usageApi, type MeterReading } from "@meterbridge/http";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { acmeToken, ask, tokens } from "./support/usage-client.ts";
import { november, runSdk, usageEvent, type TestSdk } from "./support/usage-sdk.ts";

// A tenant's answers are the same, byte for byte, whether other tenants are there or not. So they hold nothing of them: no id, no
// figure, not even that they are there.

const api = usageApi({ tokens: [...tokens, { token: otherToken(), scope: "tenant", tenant: "other" }], rateLimit: 0 });
const now = new Date("2026-11-20T23:50:00Z");

/** Of one tenant alone, and of the same one among others. */
const worlds: { alone: MeterReading[]; among: MeterReading[] } = { alone: [], among: [] };
let alone: TestSdk;
let among: TestSdk;
const cursors: string[] = [];

/** Others as close to it as can be: names that differ little, ids and dimensions that are the same. */
const others = ["globex", "ACME", "acme ", "acm_", "acme%", "acm\u0435", "other", "default", "acme'--", "*"];

function othersEvents(own: readonly UsageEvent[]): readonly UsageEvent[] {
  return others.flatMap((tenant, index) => [
    ...own.slice(0, 30).map((event) => ({ ...event, tenant, costNanoUsd: 987_654_321n })),
    usageEvent({
      tenant,
      occurredAt: now,
      project: `secret-${index}`,
      employee: `spy-${index}`,
      model: `hidden-${index}`,
    }),
  ]);
}

beforeAll(async () => {
  const own = november().filter(({ tenant }) => tenant === "acme");
  among = await runSdk({
    events: [...othersEvents(own), ...own],
    now,
    instead: { collect: () => Promise.resolve(worlds.among) },
  });
  for (const tenant of [...others, "acme"]) {
    const page = await ask(api, `/latest?limit=3&tenant=${encodeURIComponent(tenant)}`);
    cursors.push((page.body as { cursor: string }).cursor);
  }
  use.among = current();
  alone = await runSdk({ events: own, now, instead: { collect: () => Promise.resolve(worlds.alone) } });
  use.alone = current();
  // What is left out of a question is this month: that of the events, whenever this runs.
  vi.useFakeTimers({ toFake: ["Date"], now });
});

afterAll(async () => {
  vi.useRealTimers();
  await among.stop();
  await alone.stop();
});

const word = fc.constantFrom(
  "gpt-5",
  "search",
  "billing",
  "hidden",
  "secret",
  "completed",
  "approved",
  "input",
  "chat",
);
const anyTenant = fc.constantFrom<unknown>(...others, undefined, null, ["acme"], 7, { acme: 1 }, "acme,globex", "");
const keys = ["provider", "model", "workflow", "status", "checkpoint", "decision", "webhook", "window", "operation"];
const semconvKeys = ["gen_ai.provider.name", "gen_ai.request.model", "gen_ai.token.type", "gen_ai.operation.name"];

function readingsOf(tenant: fc.Arbitrary<unknown>): fc.Arbitrary<readonly MeterReading[]> {
  const attributes = fc
    .tuple(fc.dictionary(fc.constantFrom(...keys, ...semconvKeys, "gen_ai.workflow.name"), word), tenant)
    .map(([labels, whose]) => (whose === undefined ? labels : { ...labels, tenant: whose }));
  const point = fc.record({
    attributes,
    value: fc.integer({ min: 1, max: 1_000_000 }),
    count: fc.integer({ min: 1, max: 9 }),
    boundaries: fc.constant([1, 2]),
    counts: fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)),
  });
  const reading = fc.record({
    name: fc.constantFrom(...catalogue.map(({ name }) => name)),
    unit: fc.constant("1"),
    description: fc.constant(""),
    kind: fc.constantFrom("counter", "histogram", "gauge", "upDownCounter"),
    points: fc.array(point, { minLength: 1, maxLength: 4 }),
  });
  return fc.array(reading, { maxLength: 60 });
}

const routes = [
  "workflows",
  "llm",
  "checkpoints",
  "summary",
  "by-provider",
  "timeline",
  "overview",
  "usage",
  "errors",
  "latest",
];
const forAdministrators = ["top-tenants", "prometheus", "health/prometheus", "openapi.json", "nothing"];
const value = fc.oneof(
  fc.constantFrom("ada", "spy-0", "spy-3", "search", "secret-1", "chat", "answer", "llm_call", "task", "true", "false"),
  fc.constantFrom(
    "2026",
    "11",
    "1",
    "30",
    "90",
    "500",
    "2026-11-01",
    "2026-11-20",
    "day",
    "week",
    "hour",
    "Europe/Berlin",
  ),
  fc.constantFrom("acme", ...others),
  fc.nat(cursorsAtMost()).map((index) => cursors[index % Math.max(1, cursors.length)] ?? ""),
  fc.constantFrom("' OR '1'='1", "acme' OR tenant <> 'acme", "%", "acme\0globex", "acme&tenant=globex"),
  fc.string({ maxLength: 12 }),
);
const parameters = [
  "tenant",
  "project",
  "employee",
  "process",
  "kind",
  "from",
  "to",
  "timeZone",
  "step",
  "days",
  "year",
  "month",
];
const parameter = fc.constantFrom(...parameters, "daily", "limit", "cursor", "errorsOnly", "by");
/** Mostly sensible, so that most answers hold figures. */
const question = fc.oneof(
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...routes), fc.constantFrom("acme", ...others))
      .map(([route, tenant]) => [route, [["tenant", tenant] as [string, string]]] as const),
  },
  { weight: 2, arbitrary: fc.constantFrom(...routes).map((route) => [route, []] as const) },
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.constantFrom(...routes, ...forAdministrators),
      fc.array(fc.tuple(parameter, value), { maxLength: 3 }),
    ),
  },
);

test("no byte of any answer to a tenant depends on what other tenants did", async () => {
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(
      readingsOf(fc.constant("acme")),
      readingsOf(anyTenant),
      fc.array(question, { minLength: 1, maxLength: 8 }),
      async (own, theirs, questions) => {
        worlds.alone = [...own];
        // Other tenants' points are in the same meters, before and after.
        worlds.among = [...theirs.slice(0, 9), ...own, ...theirs.slice(9)];
        for (const [route, query] of questions) {
          const target = `/${route}?${new URLSearchParams(query as [string, string][]).toString()}`;
          const answers = [];
          for (const world of ["alone", "among"] as const) {
            enter(world);
            const { status, text, headers } = await ask(api, target, acmeToken);
            answers.push({ target, status, text, headers: [...headers].filter(([name]) => name !== "date") });
          }
          expect(answers[1]).toEqual(answers[0]);
          if (answers[0]?.status === 200) answered++;
        }
      },
    ),
    { numRuns: 150 },
  );
  expect(answered).toBeGreaterThan(150);
});

test("a tenant that is called as what stands for too many values sees nothing of the many", async () => {
  worlds.among = [
    {
      name: "llm.requests",
      unit: "1",
      description: "",
      kind: "counter",
      points: [{ attributes: { tenant: "other" }, value: 9 }],
    },
  ];
  enter("among");
  expect((await ask(api, "/llm", otherToken())).body).toMatchObject({ requests: { total: 0 }, models: [] });
  expect((await ask(api, "/llm")).body).toMatchObject({ requests: { total: 9 } });
});

test("an administrator does see the others, so that the comparison above compares something", async () => {
  for (const route of ["by-provider", "overview", "usage?month=11", "errors", "timeline"]) {
    const answers = [];
    for (const world of ["alone", "among"] as const) {
      enter(world);
      answers.push((await ask(api, `/${route}`)).text);
    }
    expect(answers[0]).not.toBe(answers[1]);
  }
});

const key: unique symbol = Symbol.for("meterbridge.sdk");
const holder = globalThis as { [key]?: object | undefined };
const use: { alone?: object | undefined; among?: object | undefined } = {};

function current(): object | undefined {
  return holder[key];
}

function enter(world: keyof typeof use): void {
  holder[key] = use[world];
}

function otherToken(): string {
  return "other-".padEnd(40, "0123456789");
}

function cursorsAtMost(): number {
  return others.length;
}
