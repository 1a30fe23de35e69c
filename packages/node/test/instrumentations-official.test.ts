import { execFile } from "node:child_process";
import { rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { findPostgresql, type PostgresqlServer, startPostgresql } from "../../ledger/test/support/postgresql-server.ts";
import { freePort, type RunningProcess, startProcess, until } from "../../../test/support/servers.ts";
import { acceptingCollector, type FakeCollector } from "./fake-collector.ts";
import { installApplication } from "./installed-application.ts";
import { nodeVersions } from "./node-versions.ts";

const official = ["express", "http", "pg", "undici"].map((name) => `@opentelemetry/instrumentation-${name}`);
const hasPostgresql = findPostgresql() !== undefined;

let application = "";
let server: PostgresqlServer | undefined;
beforeAll(async () => {
  application = await installApplication(["express", "pg", ...official]);
  if (hasPostgresql) server = await startPostgresql();
}, 120_000);
afterAll(async () => {
  await server?.stop();
  rmSync(application, { recursive: true, force: true });
});

const open: { stop?(): Promise<void>; close?(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await (each.stop?.() ?? each.close?.());
});

interface Service {
  readonly url: string;
  readonly process: RunningProcess;
  scrape(): Promise<string>;
}

async function startService(
  binary: string,
  commandLine: readonly string[],
  environment: Record<string, string>,
): Promise<Service> {
  const port = String(await freePort());
  const child = startProcess(binary, commandLine, {
    cwd: application,
    env: {
      PATH: process.env["PATH"],
      DATABASE_URL: server?.url,
      METERBRIDGE_PROMETHEUS_PORT: port,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      ...environment,
    },
  });
  open.push(child);
  const url = await until(() => /^listening on (.+)$/m.exec(child.output())?.[1], "the service to listen");
  return {
    url,
    process: child,
    scrape: async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
  };
}

interface Span {
  readonly service: string;
  readonly scope: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}

interface TracesBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly Span[] }[];
  }[];
}

function spansIn(collector: FakeCollector): Span[] {
  const bodies = collector.received("/v1/traces").split("\n").filter(Boolean);
  return bodies.flatMap((body) =>
    (JSON.parse(body) as TracesBody).resourceSpans.flatMap(({ resource, scopeSpans }) => {
      const service = resource.attributes.find(({ key }) => key === "service.name")?.value.stringValue ?? "";
      return scopeSpans.flatMap(({ scope, spans }) =>
        spans.map((span) => ({ ...span, service, scope: scope.name.replace("@opentelemetry/instrumentation-", "") })),
      );
    }),
  );
}

/** From the root down to the span: `shop http GET /orders/:id`, … */
function pathTo(span: Span, spans: readonly Span[]): string[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
  const own = `${span.service} ${span.scope} ${span.name}`;
  return parent === undefined ? [own] : [...pathTo(parent, spans), own];
}

describe.skipIf(!hasPostgresql).each(nodeVersions())("on Node.js $version", ({ version, binary }) => {
  test.skipIf(binary === undefined).each([
    ["-r", "shop.cjs", "http"],
    ["--import", "shop.cjs", "http"],
    ["--import", "shop.mjs", "undici"],
  ])(
    "%s %s: spans of a request connect over two services and a database, and nothing is metered twice",
    async (flag, file, client) => {
      const collector = await acceptingCollector();
      open.push(collector);
      const commandLine = [flag, "@meterbridge/node/register", file];
      const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
      const stock = await startService(binary ?? "", commandLine, { ...environment, OTEL_SERVICE_NAME: "stock" });
      const shop = await startService(binary ?? "", commandLine, {
        ...environment,
        OTEL_SERVICE_NAME: "shop",
        STOCK_URL: stock.url,
      });
      const answer = await (await fetch(`${shop.url}/orders/7`)).json();
      expect(answer).toEqual({ order: { id: 7 }, stock: { attribution: {}, baggage: null } });
      const scraped = await shop.scrape();
      await Promise.all([shop.process.stop(), stock.process.stop()]);

      const spans = spansIn(collector);
      expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
      const paths = spans.map((span) => pathTo(span, spans));
      const order = ["shop http GET /orders/:id", "shop express request handler"];
      expect(paths).toContainEqual([
        ...order,
        `shop ${client} GET`,
        "stock http GET /stock/:id",
        "stock express request handler",
      ]);
      expect(paths).toContainEqual([...order, "shop pg pg.query:SELECT postgres"]);

      expect(totals(scraped)).toEqual({
        db_client_operation_duration_seconds_count: 1,
        http_client_request_duration_seconds_count: 1,
        http_server_request_duration_seconds_count: 1,
      });
      // Nothing but the two lines of ours: no warning of Node.js.
      for (const each of [shop, stock]) {
        expect(each.process.output().split("\n").filter(Boolean)).toEqual([
          expect.stringMatching(/^\[meterbridge\] .*; traces otlp\b.*; instrumented http, undici, express, pg$/),
          `listening on ${each.url}`,
        ]);
      }
    },
  );

  test.skipIf(binary === undefined)(
    "a service preloaded by -r is told when its ES modules cannot be instrumented",
    async () => {
      const collector = await acceptingCollector();
      open.push(collector);
      const { process: child } = await startService(binary ?? "", ["-r", "@meterbridge/node/register", "shop.mjs"], {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      });
      const isTold = child.output().includes("ES modules are not instrumented: preloaded by -r");
      expect(isTold).toBe(version.startsWith("22.15"));
    },
  );
});

/** The meters that an official instrumentation has as well. */
function totals(scraped: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [, name = "", value] of scraped.matchAll(/^((?:http|db)_\w+_duration_seconds_count)\{.*\} (\d+)$/gm)) {
    sums[name] = (sums[name] ?? 0) + Number(value);
  }
  return sums;
}

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(file: string, environment: Record<string, string | undefined> = {}): Promise<Run> {
  const env = { METERBRIDGE_EXPORTERS: "console", ...environment };
  return await new Promise((resolve) => {
    const commandLine = ["-r", "@meterbridge/node/register", file];
    execFile(process.execPath, commandLine, { cwd: application, env, timeout: 20_000 }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

test("official instrumentations are loaded for spans alone, and libraries of the application's never", async () => {
  const without = await loadedFrom();
  expect(without).toContain("@meterbridge/http");
  expect(without.filter((name) => !name.startsWith("@meterbridge/"))).toEqual([]);
  const withSpans = await loadedFrom({ METERBRIDGE_TRACES_EXPORTER: "console" });
  expect(withSpans).toEqual(expect.arrayContaining(official));
  expect(withSpans).not.toContain("pg");
  expect(withSpans).not.toContain("express");
});

/** CommonJS and what was required of ES modules. */
async function loadedFrom(environment: Record<string, string> = {}): Promise<string[]> {
  const { stdout } = await run("loaded.cjs", environment);
  return JSON.parse(stdout.split("\n")[0] ?? "") as string[];
}

test("none switches our own meters off as well", async () => {
  const { stdout } = await run("loaded.cjs", { METERBRIDGE_INSTRUMENTATIONS: "none" });
  expect(stdout).not.toContain("@meterbridge/http");
});

test("a name that is given is loaded without spans too", async () => {
  const { stderr } = await run("loaded.cjs", { METERBRIDGE_INSTRUMENTATIONS: "databases,pg" });
  expect(stderr).toContain("traces off; captures fetch; instrumented pg\n");
});

test.each([
  [
    "pgg",
    /^\[meterbridge\] METERBRIDGE_INSTRUMENTATIONS names "pgg", which is neither .* Known names: requests, databases, http \(installed\), .*\n$/,
  ],
  [
    "koa",
    /^\[meterbridge\] METERBRIDGE_INSTRUMENTATIONS names "koa", which is @opentelemetry\/instrumentation-koa, and it is not installed: run npm install @opentelemetry\/instrumentation-koa\n$/,
  ],
  [
    "@prisma/instrumentation",
    /names "@prisma\/instrumentation", a package that is not installed: run npm install @prisma\/instrumentation\n$/,
  ],
  [
    "auto",
    /asks for "auto", which is @opentelemetry\/auto-instrumentations-node, and it is not installed: run npm install /,
  ],
  ["pg,pg", /names "pg" twice: name it once\n$/],
  ["none,pg", /names "none" together with others: name it alone\n$/],
  ["auto,requests", /names "auto" together with others: name it alone\n$/],
  ["@meterbridge/core", /@meterbridge\/core is not an instrumentation: it exports no class of one/],
])("%s ends the start in one line that says what to do", async (names, message) => {
  const { code, stdout, stderr } = await run("loaded.cjs", { METERBRIDGE_INSTRUMENTATIONS: names });
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd()).not.toContain("\n");
  expect(stdout).toBe("");
  expect(code).toBe(1);
});

test.skipIf(!hasPostgresql)(
  "a query that fails and that nobody handles ends the process, as it does without us",
  async () => {
    const { code, stderr } = await run("unhandled.cjs", { DATABASE_URL: server?.url });
    expect(stderr).toContain('column "nonsense" does not exist');
    expect(code).toBe(1);
  },
);

test("auto switches on what auto-instrumentations-node brings, where that is installed", async () => {
  const link = path.join(application, "node_modules/@opentelemetry/auto-instrumentations-node");
  const benchmarks = path.join(import.meta.dirname, "../../benchmarks");
  symlinkSync(path.join(benchmarks, "node_modules/@opentelemetry/auto-instrumentations-node"), link, "dir");
  try {
    const { code, stdout, stderr } = await run("loaded.cjs", { METERBRIDGE_INSTRUMENTATIONS: "auto" });
    expect(stderr).toMatch(/^\[meterbridge\] shop 1\.2\.0: console; traces off; captures fetch; instrumented auto\n$/);
    expect(stdout).toContain("@opentelemetry/instrumentation-mongodb");
    expect(code).toBe(0);
  } finally {
    rmSync(link);
  }
}, 60_000);
