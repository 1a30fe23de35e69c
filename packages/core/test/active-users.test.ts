import { expect, onTestFinished, test, vi } from "vitest";
import { listenToDiag, startCore } from "./collecting.ts";

const minute = 60_000;

test("users leave each window as time goes on, else active users only ever grow", async () => {
  const { core, counts, later } = start();
  core.users.seen("ada");
  expect(counts()).toEqual({ "5m": 1, "1h": 1, "1d": 1 });
  later(3 * minute);
  core.users.seen("bob");
  expect(counts()).toEqual({ "5m": 2, "1h": 2, "1d": 2 });
  later(3 * minute);
  expect(counts()).toEqual({ "5m": 1, "1h": 2, "1d": 2 });
  later(50 * minute);
  expect(counts()).toEqual({ "5m": 0, "1h": 2, "1d": 2 });
  later(10 * minute);
  expect(counts()).toEqual({ "5m": 0, "1h": 0, "1d": 2 });
  later(26 * 60 * minute);
  expect(counts()).toEqual({ "5m": 0, "1h": 0, "1d": 0 });
});

test("a user stays active for at least the window less one slice after being seen", () => {
  for (let offset = 0; offset < 60; offset += 7) {
    const { core, counts, later } = start(offset * 1000);
    core.users.seen("ada");
    later(4 * minute);
    expect(counts()["5m"]).toBe(1);
    later(minute);
    expect(counts()["5m"]).toBe(0);
  }
});

test("a window over many slices counts a user once, who was seen in each of them", () => {
  const { core, counts, later } = start();
  for (let step = 0; step < 30; step++) {
    core.users.seen("ada");
    later(minute);
  }
  expect(counts()).toEqual({ "5m": 1, "1h": 1, "1d": 1 });
});

test("a clock that is set back loses nobody, and does not keep users for ever", () => {
  const { core, counts, later } = start();
  core.users.seen("ada");
  later(-2 * minute);
  core.users.seen("bob");
  expect(counts()["5m"]).toBe(2);
  later(-24 * 60 * minute);
  core.users.seen("eve");
  expect(counts()["5m"]).toBeGreaterThanOrEqual(1);
  for (let step = 0; step < 20; step++) {
    later(minute);
    core.users.seen("eve");
  }
  expect(counts()["5m"]).toBe(1);
});

test("the gauge shows what the recorder counts, and users without a name are taken from the attribution", async () => {
  const { core, collect } = startCore();
  core.users.seen(17);
  core.users.seen("17");
  core.withAttribution({ user: "ada" }, () => core.users.seen());
  core.users.seen();
  expect(core.users.active("5m")).toBe(2);
  expect((await collect()).points("user.active")).toEqual(
    ["5m", "1h", "1d"].map((window) => ({ attributes: { window }, value: 2, count: 1 })),
  );
});

test("no user's id appears anywhere in what is collected", async () => {
  const { core, collect } = startCore({ attributionLabels: ["tenant", "employee", "project"] });
  core.withAttribution({ tenant: "acme", user: "secret-1" }, () => {
    core.users.seen("secret-2");
    core.users.seen();
    core.llm.record({ provider: "openai", model: "gpt-4o", inputTokens: 1 });
    core.workflow.start("triage").complete();
    core.task.record({ status: "completed", duration: 1 });
    core.session.start().end();
  });
  const collection = await collect();
  expect(collection.names.length).toBeGreaterThan(5);
  expect(JSON.stringify(collection.names.map((name) => collection.metric(name)))).not.toContain("secret");
});

test.each([
  ["an object", {}],
  ["NaN", NaN],
  ["true", true],
  ["a Symbol", Symbol("x")],
  ["a function", () => "ada"],
])("%s is no user, and is counted as refused", async (_name, user) => {
  const { core, collect } = startCore();
  core.users.seen(user as string);
  expect(core.users.active("5m")).toBe(0);
  const refused = { meter: "user.active", reason: "attribute_value" };
  expect((await collect()).total("meterbridge.values.refused", refused)).toBe(1);
});

function start(offset = 0) {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 0, 5, 12) + offset });
  onTestFinished(() => void vi.useRealTimers());
  const { core } = startCore();
  return {
    core,
    later: (milliseconds: number): void => void vi.setSystemTime(Date.now() + milliseconds),
    counts: () => ({ "5m": core.users.active("5m"), "1h": core.users.active("1h"), "1d": core.users.active("1d") }),
  };
}

test("a user without an id, from a header that was empty, is no user", async () => {
  const told = listenToDiag();
  const { core } = startCore();
  core.users.seen("");
  expect(core.users.active("5m")).toBe(0);
  expect(told).toHaveLength(1);
});

test("a sink hears of every user seen, with the tenant, and one that throws does not reach the app", async () => {
  const { core } = startCore();
  const heard: unknown[] = [];
  core.addUsageSink({
    write: () => {},
    seen: () => {
      throw new Error("out of order");
    },
  });
  core.addUsageSink({ write: () => {}, seen: (user, occurredAt, tenant) => heard.push([user, tenant, occurredAt]) });
  core.addUsageSink({ write: () => {} });
  core.withAttribution({ tenant: "acme", user: "ada" }, () => core.users.seen());
  core.users.seen(7);
  expect(heard).toEqual([
    ["ada", "acme", expect.any(Date)],
    ["7", null, expect.any(Date)],
  ]);
});
