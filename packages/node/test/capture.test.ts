import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { addUsageSink, type UsageEvent } from "@meterbridge/core";
import { trace } from "@opentelemetry/api";
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { type RunningProcess, startProcess, until } from "../../../test/support/servers.ts";
import { start, type StartOptions } from "../src/index.ts";
import { hideEnvironment, keepingExporter, keepingLogger } from "./support.ts";

let url = "";
const server = createServer((_request, response) => {
  response.setHeader("content-type", "application/json");
  response.end('{"model":"gpt-5","usage":{"prompt_tokens":7,"completion_tokens":2}}');
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

const bare = globalThis.fetch;
beforeEach(() => {
  hideEnvironment();
  vi.stubEnv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url);
});
afterEach(() => {
  vi.unstubAllEnvs();
  if (globalThis.fetch !== bare) throw new Error("fetch was not given back");
});

const body = JSON.stringify({ model: "gpt-5", messages: [{ role: "user", content: "Hello" }] });

async function askStarted(options: StartOptions): Promise<{ status: string; events: readonly UsageEvent[] }> {
  const events: UsageEvent[] = [];
  const end = addUsageSink({ write: (event) => void events.push(event) });
  onTestFinished(end);
  const sdk = start({ exporters: [keepingExporter()], serviceName: "shop", diagLogger: keepingLogger(), ...options });
  try {
    await (await fetch(`${url}/v1/chat/completions`, { method: "POST", body })).json();
    await trace.getTracer("app").startActiveSpan("chat gpt-5", async (span) => {
      span.setAttributes({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "by-span",
        "gen_ai.usage.input_tokens": 11,
      });
      span.end();
    });
  } finally {
    await sdk.shutdown();
  }
  return { status: sdk.status, events };
}

test("a model call is metered and priced without a word in the application, until the SDK ends", async () => {
  const { status, events } = await askStarted({ traces: "none" });
  expect(status).toMatch(/; captures fetch$/);
  expect(events).toMatchObject([{ provider: "openai", model: "gpt-5", inputTokens: 7, costStatus: "priced" }]);
});

test("spans of frameworks are metered as well where there are spans", async () => {
  const { status, events } = await askStarted({ traces: "otlp" });
  expect(status).toContain("; captures fetch, spans");
  expect(events.map(({ inputTokens }) => inputTokens)).toEqual([7, 11]);
});

test.each([
  [[], "", []],
  [["fetch"], "; captures fetch", [7]],
  [["spans"], "; captures spans", [11]],
] as const)("what is captured can be chosen: %o", async (capture, told, tokens) => {
  const { status, events } = await askStarted({ capture, traces: "otlp" });
  expect(status.replace(/^.*traces otlp/, "").replace(/; instrumented.*/, "")).toBe(told);
  expect(events.map(({ inputTokens }) => inputTokens)).toEqual(tokens);
});

test("hosts, models and the wish for usage reach the capture, and a wrong host ends the start with one line", async () => {
  const host = new URL(url).host;
  const { events } = await askStarted({ traces: "none", captureHosts: { [host]: "acme" } });
  expect(events).toMatchObject([{ provider: "acme" }]);
  const wrong = (): unknown => start({ exporters: [], captureHosts: { [host]: "acme:klingon" } });
  expect(wrong).toThrow(/^\[meterbridge\] \[capture\] option "hosts" must be .*, found "acme:klingon"$/);
});

test("prices of the application's own come from a file, and a file that is none ends the start", () => {
  const options = { exporters: [], pricesFile: path.join(import.meta.dirname, "no-such-prices.json") };
  expect(() => start(options)).toThrow(/no-such-prices\.json/);
  expect(() => start({ ...options, priceBook: null })).toThrow(
    `[meterbridge] options "priceBook" and "pricesFile" exclude each other: give the file to genaiPrices({ overridesFile })`,
  );
});

const plain = { model: "plain", inputTokens: 7, usageSource: "provider", isSuccess: true, attempts: 1 };
const refused = { model: "refused", inputTokens: null, usageSource: "none", isSuccess: false, attempts: 1 };

test("a process that has nothing more to do leaves no call untold", async () => {
  const child = run([]);
  expect(await child.ended).toBe(0);
  expect(eventsOf(child)).toContainEqual(plain);
  expect(eventsOf(child)).toContainEqual(refused);
  expect(eventsOf(child)).toContainEqual(expect.objectContaining({ model: "held", isSuccess: false }));
  expect(eventsOf(child)).toHaveLength(3);
});

test("a process that is ended by a signal leaves no call untold", async () => {
  const child = run(["wait"]);
  await until(() => child.output().includes("waiting"), "the application's calls");
  child.child.kill("SIGTERM");
  await child.ended;
  expect(eventsOf(child)).toContainEqual(refused);
  expect(eventsOf(child)).toContainEqual(expect.objectContaining({ model: "held", isSuccess: false }));
  expect(eventsOf(child)).toHaveLength(3);
});

function run(given: readonly string[]): RunningProcess {
  const application = path.join(import.meta.dirname, "applications", "asking.mjs");
  const flags = ["--conditions=@meterbridge/source", "--import", "@meterbridge/node/register"];
  const child = startProcess(process.execPath, [...flags, application, ...given], {
    cwd: path.join(import.meta.dirname, ".."),
    env: { PATH: process.env["PATH"], METERBRIDGE_EXPORTERS: "console", METERBRIDGE_LEDGER: "off" },
  });
  onTestFinished(() => child.stop());
  return child;
}

function eventsOf(child: RunningProcess): unknown[] {
  const lines = child.output().split("\n");
  return lines.filter((line) => line.startsWith('{"model":')).map((line) => JSON.parse(line) as unknown);
}
