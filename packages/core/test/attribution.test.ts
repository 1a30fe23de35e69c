import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { context, defaultTextMapGetter, defaultTextMapSetter, propagation, ROOT_CONTEXT } from "@opentelemetry/api";
import { W3CBaggagePropagator } from "@opentelemetry/core";
import { expect, test } from "vitest";
import { createCore } from "../src/core.ts";
import { listenToDiag, registerProvider, startCore, useContextManager } from "./collecting.ts";

test("an inner attribution is put over the outer one, and what it does not give stays", () => {
  const { core } = startCore();
  core.withAttribution({ tenant: "acme", user: "u-1" }, () => {
    core.withAttribution({ employee: "ada", user: "u-2", tenant: undefined }, () => {
      expect(core.currentAttribution()).toEqual({ tenant: "acme", employee: "ada", user: "u-2" });
    });
    expect(core.currentAttribution()).toEqual({ tenant: "acme", user: "u-1" });
  });
  expect(core.currentAttribution()).toEqual({});
});

test("concurrent requests do not mix their tenants, whichever ends first", async () => {
  const { core, collect } = startCore();
  await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      core.withAttribution({ tenant: `tenant-${index % 3}` }, async () => {
        await sleep((index * 7) % 20);
        core.checkpoint.created();
        await core.llm.measure({ provider: "openai", model: "gpt-4o" }, () => sleep((index * 5) % 20));
        await core.tool.measure("search", () => sleep(1));
      }),
    ),
  );
  const collection = await collect();
  for (const name of ["checkpoint.created", "llm.requests", "tool.calls"]) {
    for (const tenant of ["tenant-0", "tenant-1", "tenant-2"])
      expect(collection.total(name, { tenant }), name).toBe(10);
  }
});

test("a run belongs to the tenant it began for, although its end is told from another one's callback", async () => {
  const { core, collect } = startCore();
  const tenants: (string | null)[] = [];
  core.addUsageSink({ write: ({ tenant }) => void tenants.push(tenant) });
  const runs = core.withAttribution({ tenant: "acme" }, () => {
    const agent = core.agent.start("support");
    const llm = core.llm.start({ provider: "openai", model: "gpt-4o" });
    return [
      llm,
      agent,
      core.workflow.start("triage"),
      core.tool.start("search"),
      core.task.start(),
      core.webhook.start(),
    ];
  });
  const session = core.withAttribution({ tenant: "acme" }, () => core.session.start());
  core.withAttribution({ tenant: "globex" }, () => {
    for (const run of runs) run.complete();
    session.end();
  });
  const collection = await collect();
  const names = [
    "llm.requests",
    "agent.executions",
    "workflow.executions",
    "tool.calls",
    "task.completed",
    "webhook.sent",
  ];
  for (const name of names) expect(collection.total(name, { tenant: "acme" }), name).toBe(1);
  expect(collection.count("session.duration", { tenant: "acme" })).toBe(1);
  expect(tenants).toEqual(["acme", "acme", "acme"]);
});

test("the tenant is a label by default; employee and project only when configured", async () => {
  const who = { tenant: "acme", employee: "ada", project: "p-1", process: "invoice", execution: "e-9", user: "u-17" };
  for (const [attributionLabels, labels] of [
    [undefined, { tenant: "acme" }],
    [[], {}],
    [["project", "employee"], { project: "p-1", employee: "ada" }],
  ] as const) {
    const { core, collect } = startCore({ ...(attributionLabels && { attributionLabels }) });
    core.withAttribution(who, () => core.checkpoint.created());
    expect((await collect()).points("checkpoint.created")).toEqual([{ attributes: labels, value: 1, count: 1 }]);
  }
});

test.each(["user", "session", "execution", "request", ""])('"%s" can never be made a label', (label) => {
  const { core } = startCore();
  expect(() => core.configure({ attributionLabels: [label as "tenant"] })).toThrow(
    /^\[meterbridge\] \[core\] option "attributionLabels" must be a list of tenant, employee, project .*have no bound/,
  );
});

test("attribution crosses to another process by baggage, whatever its letters", () => {
  useContextManager();
  propagation.setGlobalPropagator(new W3CBaggagePropagator());
  const core = createCore();
  const who = { tenant: "Grüße; a=b, 100 %", employee: '李 "雷"', project: "🚀/\\", user: "line\nbreak" };
  const carrier: Record<string, string> = {};
  core.withAttribution(who, () => propagation.inject(context.active(), carrier, defaultTextMapSetter));
  expect(carrier["baggage"]).toMatch(/^[\x21-\x7e]+$/);

  const child = spawnSync(
    process.execPath,
    ["--conditions=@meterbridge/source", "--input-type=module", "--eval", receiver, JSON.stringify(carrier)],
    { cwd: import.meta.dirname, encoding: "utf8", env: { ...process.env, NODE_NO_WARNINGS: "1" } },
  );
  expect(child.stderr).toBe("");
  expect(JSON.parse(child.stdout)).toEqual(who);
});

const receiver = `
  import { context, defaultTextMapGetter, propagation } from "@opentelemetry/api";
  import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
  import { W3CBaggagePropagator } from "@opentelemetry/core";
  import { currentAttribution } from "@meterbridge/core";
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const carrier = JSON.parse(process.argv[1]);
  const received = new W3CBaggagePropagator().extract(context.active(), carrier, defaultTextMapGetter);
  console.log(JSON.stringify(context.with(received, currentAttribution)));
`;

test("what baggage brings is recorded, and stays below what the service gives itself", async () => {
  const { core, collect } = startCore();
  const carrier = { baggage: "meterbridge.tenant=acme,meterbridge.employee=ada,other.tenant=globex" };
  const received = new W3CBaggagePropagator().extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
  context.with(received, () => {
    core.checkpoint.created();
    core.withAttribution({ tenant: "initech" }, () => {
      expect(core.currentAttribution()).toEqual({ tenant: "initech", employee: "ada" });
    });
  });
  expect((await collect()).total("checkpoint.created", { tenant: "acme" })).toBe(1);
});

test("with attributionBaggage: false nothing is sent, and nothing that a caller claims is taken", () => {
  const { core } = startCore({ attributionBaggage: false });
  const carrier: Record<string, string> = {};
  const propagator = new W3CBaggagePropagator();
  core.withAttribution({ tenant: "acme" }, () => propagator.inject(context.active(), carrier, defaultTextMapSetter));
  expect(carrier).toEqual({});
  const received = propagator.extract(ROOT_CONTEXT, { baggage: "meterbridge.tenant=globex" }, defaultTextMapGetter);
  context.with(received, () => expect(core.currentAttribution()).toEqual({}));
});

test("hostile baggage makes no unsafe label and does not throw", async () => {
  const { core, collect } = startCore();
  const baggage = `meterbridge.tenant=${encodeURIComponent("x".repeat(1000))},meterbridge.employee=%ED%A0%80,,=,meterbridge.user`;
  const received = new W3CBaggagePropagator().extract(ROOT_CONTEXT, { baggage }, defaultTextMapGetter);
  context.with(received, () => core.checkpoint.created());
  expect((await collect()).total("checkpoint.created", { tenant: "x".repeat(255) })).toBe(1);
});

test("without a context manager nothing throws, recording goes on without a tenant, and one line says why", async () => {
  const told = listenToDiag();
  const { collect } = registerProvider();
  const core = createCore();
  core.withAttribution({ tenant: "globex" }, () => {});
  expect(told).toEqual([expect.stringContaining("withAttribution has no effect: no OpenTelemetry context manager")]);
  expect(core.withAttribution({ tenant: "acme" }, () => 5)).toBe(5);
  await core.workflow.measure("triage", () => core.checkpoint.created());
  const collection = await collect();
  expect(collection.total("checkpoint.created")).toBe(1);
  expect(collection.total("workflow.executions")).toBe(1);
  expect(told).toHaveLength(1);
});
