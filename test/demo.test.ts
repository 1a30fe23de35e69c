import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Report } from "../examples/demo/report.ts";
import type { Summary } from "../examples/demo/summary.ts";
import { freePort, type RunningProcess, startProcess, until } from "./support/servers.ts";

const directory = path.join(import.meta.dirname, "../examples/demo");

describe("the demo", () => {
  let output: string;
  let exitCode: number | NodeJS.Signals;
  let report: Report;

  beforeAll(async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "meterbridge-demo-"));
    const file = path.join(folder, "report.json");
    const demo = await startDemo(["--seconds", "8", "--rate", "10", "--json", file]);
    exitCode = await demo.ended;
    output = demo.output();
    if (exitCode !== 0) throw new Error(`the demo ended with ${exitCode}:\n${output}`);
    report = JSON.parse(await readFile(file, "utf8"));
    await rm(folder, { recursive: true });
  });

  test("ends by itself after the given seconds, with exit code 0", () => {
    expect(exitCode).toBe(0);
    expect(report.seconds).toBeGreaterThanOrEqual(8);
    expect(report.seconds).toBeLessThan(15);
  });

  test("shows a working service: tickets of every tenant, calls of every model, failures among them", () => {
    const { sent } = report;
    expect(Object.keys(sent.tenants).toSorted()).toEqual(["acme", "globex", "initech", "northwind"]);
    expect(Object.keys(sent.models).toSorted()).toEqual([
      "claude-haiku-4-5",
      "claude-sonnet-5",
      "gpt-5",
      "gpt-5-mini",
      "northwind-tuned-1",
    ]);
    expect(sent.requests).toBeGreaterThan(60);
    expect(sent.outcomes["answered"]).toBeGreaterThan(10);
    expect(report.prometheus?.tickets["chat"]).toBeGreaterThan(0);
  });

  test.each(["prometheus", "otlp"] as const)("%s holds what was sent, to the unit", (backend) => {
    expectToHold(report[backend], report.sent);
    expect(report.differences).toEqual([]);
  });

  test("the ledger, which is on by default, holds every call to the nano-dollar and its audit is clean", () => {
    const { ledger, sent, prometheus } = report;
    const calls = Object.values(sent.models).reduce((sum, model) => sum + model.calls, 0);
    const costUsd = prometheus?.models.reduce((sum, model) => sum + model.costUsd, 0) ?? 0;
    expect(ledger).toMatchObject({ calls, differences: [] });
    expect(ledger?.tasks).toBe(Object.values(sent.outcomes).reduce((sum, count) => sum + count, 0));
    expect(Number(ledger?.costUsd)).toBeCloseTo(costUsd, 8);
    expect(ledger?.unpriced).toBeGreaterThan(0);
    expect(output).toMatch(/the ledger keeps \d+ model calls .*; audited: clean/);
  });

  test("both backends hold the same figures, cost and latency included", () => {
    expect(withoutRounding(report.otlp)).toEqual(withoutRounding(report.prometheus));
  });

  test("prices the calls of models it knows, and calls the rest unpriced instead of free", () => {
    for (const { model, inputTokens, costUsd, unpriced } of report.prometheus?.models ?? []) {
      if (model === "northwind-tuned-1")
        expect({ costUsd, priced: unpriced === 0 }).toEqual({ costUsd: 0, priced: false });
      else expect({ model, costs: costUsd > 0, used: inputTokens > 0 }).toEqual({ model, costs: true, used: true });
    }
  });

  test("says where to look, then writes plain lines when piped", () => {
    expect(output).toMatch(/metrics http:\/\/127\.0\.0\.1:\d+\/metrics/);
    expect(output).toMatch(/service http:\/\/127\.0\.0\.1:\d+ \(pid \d+\) +\/health \/api\/v1\/metrics\/summary/);
    expect(output).toMatch(/^00:0\d {2}\d+ tickets {2}\d+ model calls/m);
    expect(output).not.toContain("\x1b");
    expect(output).toMatch(/have it all:\n \d+ requests/);
  });

  test("prints no stack trace for the failures that belong to its traffic", () => {
    expect(output).not.toMatch(/^\s+at /m);
    expect(output).not.toContain("Error");
  });
});

describe("ending the demo", () => {
  test("Ctrl-C ends it with the last summary, exit code 0 and no service left behind", async () => {
    const demo = await startDemo([]);
    const { url } = await serviceOf(demo);
    demo.child.kill("SIGINT");
    expect(await demo.ended).toBe(0);
    expect(demo.output()).toMatch(/have it all:\n \d+ requests/);
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });

  test("a request by hand is told, and does not make the end a failure", async () => {
    const demo = await startDemo([]);
    const { url } = await serviceOf(demo);
    await fetch(`${url}/reviews`);
    demo.child.kill("SIGINT");
    expect(await demo.ended).toBe(0);
    expect(demo.output()).toContain("1 more requests came in than the demo sent");
  });

  test("a demo that is killed takes its service with it", async () => {
    const demo = await startDemo([]);
    const { url } = await serviceOf(demo);
    demo.child.kill("SIGKILL");
    await demo.ended;
    await until(
      () =>
        fetch(url).then(
          () => false,
          () => true,
        ),
      "the service to be gone",
      10,
    );
  });

  test("a service that dies is told with its last output and exit code 1", async () => {
    const demo = await startDemo([]);
    const { pid } = await serviceOf(demo);
    process.kill(pid, "SIGKILL");
    expect(await demo.ended).toBe(1);
    expect(demo.output()).toMatch(/the service ended \(SIGKILL\); its last output:\n[^]*listening on/);
  });

  test("an exporter that does not exist ends it at once, with the reason", async () => {
    const demo = await startDemo([], { METERBRIDGE_EXPORTERS: "no-such-exporter" });
    expect(await demo.ended).toBe(1);
    expect(demo.output()).toContain("no-such-exporter");
  });
});

describe("the demo's command line", () => {
  test.each([
    [["--seconds", "abc"], '--seconds must be a number from 1 to 86400, found "abc"'],
    [["--rate", "0"], '--rate must be a number from 0.1 to 200, found "0"'],
    [["--sekonds", "3"], "--sekonds"],
    [["extra"], "extra"],
  ])("%j is refused with one line and exit code 2", async (given, told) => {
    const demo = await startDemo(given);
    expect(await demo.ended).toBe(2);
    expect(demo.output()).toContain(told);
    expect(demo.output().trimEnd()).not.toContain("\n");
  });

  test("--help explains the options and starts nothing", async () => {
    const demo = await startDemo(["--help"]);
    expect(await demo.ended).toBe(0);
    expect(demo.output()).toContain("--seconds N");
  });
});

test("the service names no exporter, no metrics backend and no OpenTelemetry package", async () => {
  const imported = new Set([...(await importsOf("service.ts")), ...(await importsOf("shop.ts"))]);
  expect([...imported].toSorted()).toEqual([
    "./shop.ts",
    "@anthropic-ai/sdk",
    "@meterbridge/core",
    "@meterbridge/http",
    "@meterbridge/http/express",
    "@meterbridge/http/logs",
    "express",
    "node:crypto",
    "node:timers/promises",
    "openai",
  ]);
});

async function startDemo(given: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<RunningProcess> {
  return startProcess(
    process.execPath,
    ["--conditions=@meterbridge/source", path.join(directory, "demo.ts"), ...given],
    { env: { ...process.env, OTEL_EXPORTER_PROMETHEUS_PORT: String(await freePort()), ...environment } },
  );
}

/** The address and process id of the demo's service, once it has answered something. */
async function serviceOf(demo: RunningProcess): Promise<{ url: string; pid: number }> {
  return until(() => {
    const [, url, pid] = /service (\S+) \(pid (\d+)\)/.exec(demo.output()) ?? [];
    const busy = / [1-9]\d* tickets/.test(demo.output());
    return busy && url !== undefined ? { url, pid: Number(pid) } : undefined;
  }, "the demo's service to take tickets");
}

function expectToHold(metered: Summary | undefined, sent: Report["sent"]): void {
  expect(metered).toBeDefined();
  if (metered === undefined) return;
  expect(metered.requests).toMatchObject({ total: sent.requests, failed: sent.failedRequests, active: 0 });
  expect(metered.users.day).toBe(sent.users);
  expect(metered.sessions.active).toBe(sent.openSessions);
  expect(metered.tenants.map(({ tenant }) => tenant)).toEqual(Object.keys(sent.tenants).toSorted());
  const rows = metered.models.map(({ model, calls, failed, inputTokens, outputTokens }) => [
    model,
    { calls, failed, inputTokens, outputTokens },
  ]);
  expect(Object.fromEntries(rows)).toEqual(sent.models);
}

/** The page writes sums of dollars in decimal, so the last bits may differ. */
function withoutRounding(summary: Summary | undefined): unknown {
  return JSON.parse(JSON.stringify(summary), (_, value) =>
    typeof value === "number" ? Number(value.toPrecision(12)) : value,
  );
}

async function importsOf(file: string): Promise<readonly string[]> {
  const code = await readFile(path.join(directory, file), "utf8");
  return [...code.matchAll(/\b(?:from|import\()\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
}
