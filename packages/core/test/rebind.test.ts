import { metrics } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { createCore } from "../src/core.ts";
import { registerProvider, startCore, useContextManager } from "./collecting.ts";

const clicks = { name: "clicks", instrument: "counter", unit: "{click}", description: "Clicks" } as const;

test("what is made and used before an SDK starts records once it has started", async () => {
  const core = createCore();
  const own = core.defineMeters({ clicks });
  own.clicks.add(1);
  core.llm.record({ provider: "openai", model: "gpt-4o", duration: 1 });
  core.task.record({ status: "completed", duration: 1 });
  const early = core.workflow.start("triage");
  const session = core.session.start();

  const { collect } = registerProvider();
  own.clicks.add(2);
  core.llm.record({ provider: "openai", model: "gpt-4o", duration: 1 });
  early.complete();
  session.end();
  const collection = await collect();
  expect(collection.total("clicks")).toBe(2);
  expect(collection.total("llm.requests")).toBe(1);
  expect(collection.total("workflow.executions")).toBe(1);
  expect(collection.count("session.duration")).toBe(1);
});

test("a run that began before the SDK does not leave its gauge below zero", async () => {
  const core = createCore();
  const run = core.workflow.start("triage");
  const session = core.session.start();
  const request = core.http.start({ method: "GET" });
  const { collect } = registerProvider();
  core.workflow.start("triage");
  run.complete();
  session.end();
  request.end({ status: 200 });
  const collection = await collect();
  expect(collection.total("workflow.active")).toBe(1);
  expect(collection.total("session.active")).toBe(0);
  expect(collection.total("http.server.active_requests")).toBe(0);
});

test("a request that is under way when the labels are configured neither gets lost nor loses those after it", async () => {
  const { core, collect } = startCore({ attributionLabels: [] });
  const early = core.http.start({ method: "GET" });
  core.configure({ attributionLabels: ["tenant"] });
  early.end({ status: 200, route: "/orders" });
  core.withAttribution({ tenant: "acme" }, () =>
    core.http.record({ method: "GET", status: 200, route: "/orders", duration: 1 }),
  );
  const collection = await collect();
  expect(collection.count("http.server.request.duration")).toBe(2);
  expect(collection.count("http.server.request.duration", { tenant: "acme" })).toBe(1);
  expect(collection.total("http.server.active_requests")).toBe(0);
});

test("after the provider is replaced, everything records into the new one", async () => {
  const first = registerProvider();
  const core = createCore();
  const own = core.defineMeters({ clicks });
  own.clicks.add(1);
  core.users.seen("ada");
  expect((await first.collect()).total("clicks")).toBe(1);

  metrics.disable();
  own.clicks.add(10);
  const second = registerProvider();
  own.clicks.add(100);
  core.users.seen("bob");
  expect((await second.collect()).total("clicks")).toBe(100);
  expect((await second.collect()).total("user.active", { window: "5m" })).toBe(2);
  expect((await first.collect()).total("clicks")).toBe(1);
  expect((await first.collect()).points("user.active")).toHaveLength(3);
});

test("configure() after the start gives meters their new names and labels at once", async () => {
  useContextManager();
  const { collect } = registerProvider();
  const core = createCore();
  const own = core.defineMeters({ clicks });
  const record = (): void =>
    core.withAttribution({ tenant: "acme", employee: "ada" }, () => {
      own.clicks.add(1);
      core.checkpoint.created();
    });
  record();
  core.configure({ namespace: "shop", attributionLabels: ["employee"] });
  record();
  const collection = await collect();
  expect(collection.points("clicks")).toEqual([{ attributes: { tenant: "acme" }, value: 1, count: 1 }]);
  expect(collection.points("shop.clicks")).toEqual([{ attributes: { employee: "ada" }, value: 1, count: 1 }]);
  expect(collection.total("shop.checkpoint.created", { employee: "ada" })).toBe(1);
  expect(core.describeMeters().map(({ name }) => name)).toContain("shop.clicks");
});

test("runs in progress while labels are configured are not lost", async () => {
  useContextManager();
  const { collect } = registerProvider();
  const core = createCore();
  const [workflow, agent, node, tool, task] = core.withAttribution({ tenant: "acme", employee: "ada" }, () => {
    const run = core.agent.start("support");
    return [
      core.workflow.start("triage"),
      run,
      run.node("plan"),
      core.tool.start("search"),
      core.task.start(),
    ] as const;
  });
  core.configure({ attributionLabels: ["tenant", "employee"] });
  for (const run of [workflow, node, agent, tool, task]) run.complete();
  const collection = await collect();
  const labels = { tenant: "acme", employee: "ada" };
  for (const name of [
    "workflow.executions",
    "agent.executions",
    "agent.node.executions",
    "tool.calls",
    "task.completed",
  ]) {
    expect(collection.total(name, labels), name).toBe(1);
  }
  expect(collection.total("workflow.active")).toBe(0);
  expect(collection.names).not.toContain("meterbridge.values.refused");
});

test("a provider that comes late shows observed gauges once configure() is called, without any further recording", async () => {
  const core = createCore();
  core.users.seen("ada");
  core.task.record({ status: "completed", duration: 1 });
  const { depth } = core.defineMeters({
    depth: { name: "queue.depth", instrument: "observableGauge", unit: "{job}", description: "Jobs that wait" },
  });
  const end = depth.observe((observe) => observe(3));
  const { collect } = registerProvider();
  core.configure({});
  const collection = await collect();
  expect(collection.total("user.active", { window: "5m" })).toBe(1);
  expect(collection.total("task.success_ratio")).toBe(1);
  expect(collection.points("queue.depth")).toEqual([{ attributes: {}, value: 3, count: 1 }]);

  core.configure({ namespace: "late" });
  expect((await collect()).total("late.queue.depth")).toBe(3);
  end();
  core.configure({ namespace: "later" });
  expect((await collect()).points("later.queue.depth")).toEqual([]);
});
