import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Sdk, start, type StartOptions } from "@meterbridge/node";
import { logs, metrics, propagation, trace } from "@opentelemetry/api";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { freePort } from "../../../test/support/servers.ts";
import { acceptingCollector, type FakeCollector } from "./fake-collector.ts";
import { installApplication } from "./installed-application.ts";
import { hideEnvironment, keepingExporter, keepingLogger } from "./support.ts";

const page = readFileSync(path.join(import.meta.dirname, "../../../docs/configuration-file.md"), "utf8");
const [, example = ""] = /```yaml\n(.*?)```/s.exec(page) ?? [];

let directory = "";
let collector: FakeCollector;
let archive: FakeCollector;
beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), "meterbridge-file-"));
  collector = await acceptingCollector();
  archive = await acceptingCollector();
});
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await collector.close();
  await archive.close();
});

function write(text: string): string {
  const file = path.join(directory, "otel.yaml");
  writeFileSync(file, text);
  return file;
}

describe("with the packages as they are installed", () => {
  let application = "";
  beforeAll(async () => {
    application = await installApplication();
  }, 120_000);
  afterAll(() => rmSync(application, { recursive: true, force: true }));

  interface Result {
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
  }

  async function run(
    file: string,
    environment: NodeJS.ProcessEnv,
    flag = "--import",
    app = "app.mjs",
  ): Promise<Result> {
    const options = { cwd: application, env: { OTEL_CONFIG_FILE: file, ...environment }, timeout: 30_000 };
    const words = [flag, "@meterbridge/node/register", app, environment["METRICS_PORT"] ?? "1"];
    return await new Promise((resolve) => {
      execFile(process.execPath, words, options, (error, stdout, stderr) => {
        resolve({ code: Number(error?.code ?? 0), stdout, stderr });
      });
    });
  }

  test.each([
    ["--import", "app.mjs"],
    ["-r", "app.cjs"],
  ])("%s %s: the example of the documentation is scraped and reaches both collectors", async (flag, app) => {
    const port = String(await freePort());
    const environment = {
      METRICS_PORT: port,
      COLLECTOR: collector.url,
      COLLECTOR_KEY: "s3cret",
      ARCHIVE: archive.url,
      TRACES_SHARE: "1",
      // None of them has an effect beside a file, not even the wrong ones.
      OTEL_EXPORTER_OTLP_ENDPOINT: "no address",
      OTEL_EXPORTER_OTLP_HEADERS: "from-environment=1",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_EXPORTER_OTLP_CERTIFICATE: "/nowhere.pem",
      OTEL_SERVICE_NAME: "another",
      OTEL_SDK_DISABLED: "true",
    };
    const { code, stdout, stderr } = await run(write(example), environment, flag, app);
    expect(stderr).toBe(
      `[meterbridge] shop 1.2.0: prometheus http://127.0.0.1:${port}/metrics, otlp ${collector.url}/v1/metrics, ` +
        `otlp ${archive.url}/v1/metrics; traces otlp; logs otlp; captures fetch, spans\n`,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^llm_requests_total\{.*\} 1$/m);
    expect(stdout).toMatch(/^target_info\{.*deployment_environment_name="production".*\} 1$/m);
    expect(collector.received("/v1/metrics")).toContain("llm.requests");
    expect(collector.headers("/v1/metrics").at(-1)).toMatchObject({ "api-key": "s3cret", "content-encoding": "gzip" });
    const sent = archive.received("/v1/metrics").split("\n").at(-1) ?? "";
    expect(JSON.parse(sent)).toHaveProperty("resourceMetrics");
    expect(sent).toContain("exponentialHistogram");
    expect(archive.headers("/v1/metrics").at(-1)).not.toHaveProperty("from-environment");
    expect(archive.headers("/v1/metrics").at(-1)).not.toHaveProperty("content-encoding");
  });

  test.each([
    [
      "a file that is not there",
      "/nowhere/otel.yaml",
      /^\[meterbridge\] OTEL_CONFIG_FILE, \/nowhere\/otel\.yaml cannot be read \(ENOENT\).*\n$/,
    ],
    [
      "an exporter that is not installed",
      `meter_provider: { readers: [{ periodic: { exporter: { "@shop/exporter": } } }] }`,
      /^\[meterbridge\] OTEL_CONFIG_FILE, \S+otel\.yaml: meter_provider\.readers\[0\]\.periodic names "@shop\/exporter", which is neither .*\n$/,
    ],
    [
      "a setting that its exporter refuses",
      `meter_provider: { readers: [{ pull: { exporter: { prometheus/development: { port: 99999 } } } }] }`,
      /^\[meterbridge\] OTEL_CONFIG_FILE, \S+otel\.yaml: meter_provider\.readers\[0\]\.pull: \[prometheus\] option "port" must be .*\n$/,
    ],
    [
      "a certificate that is not there",
      `meter_provider: { readers: [{ periodic: { exporter: { otlp_http: { tls: { ca_file: /none.pem } } } } }] }`,
      /^\[meterbridge\] OTEL_CONFIG_FILE, \S+otel\.yaml: meter_provider\.readers\[0\]\.periodic: \[otlp\] .* found "\/none\.pem": ENOENT.*\n$/,
    ],
  ])("%s ends the start in one line", async (_, text, line) => {
    const file = text.startsWith("/") ? text : write(`file_format: "1.0"\n${text}\n`);
    const { code, stdout, stderr } = await run(file, {});
    expect(stderr).toMatch(line);
    expect([code, stdout]).toEqual([1, ""]);
  });

  test("a process without the variable does not load the parser", async () => {
    writeFileSync(
      path.join(application, "asks.cjs"),
      `console.log(JSON.stringify(Object.keys(require.cache).filter((file) => /configuration|yaml/.test(file))));process.exit();`,
    );
    const without = await run("", { METERBRIDGE_EXPORTERS: "console" }, "-r", "asks.cjs");
    expect(JSON.parse(without.stdout)).toEqual([]);
    const withFile = await run(write(`file_format: "1.0"`), {}, "-r", "asks.cjs");
    expect(JSON.parse(withFile.stdout)).not.toEqual([]);
  });
});

describe("start() with a file", () => {
  let sdk: Sdk | undefined;
  let logger = keepingLogger();
  beforeEach(() => {
    hideEnvironment();
    logger = keepingLogger();
  });
  afterEach(async () => {
    await sdk?.shutdown();
    vi.unstubAllEnvs();
    metrics.disable();
    trace.disable();
    logs.disable();
  });

  function startWith(text: string, options: StartOptions = {}): Sdk {
    vi.stubEnv("OTEL_CONFIG_FILE", write(`file_format: "1.0"\n${text}`));
    return (sdk = start({ diagLogger: logger, ...options }));
  }

  const otlp = (signal: string): string => `otlp_http: { endpoint: "${collector.url}/v1/${signal}", encoding: json }`;
  const metersTo = (): string => `meter_provider: { readers: [{ periodic: { exporter: { ${otlp("metrics")} } } }] }`;

  test("a signal that the file does not speak of is off, as its schema has it", () => {
    expect(startWith("").status).toMatch(/: no exporters, meters are not recorded; traces off; captures fetch$/);
  });

  test("options and variables of Meterbridge's win over the file, and what they name keeps the file's settings", () => {
    vi.stubEnv("METERBRIDGE_EXPORTERS", "otlp");
    const both = `meter_provider: { readers: [{ periodic: { exporter: { console: } } }, { periodic: { exporter: { ${otlp("metrics")} } } }] }
resource: { attributes: [{ name: service.name, value: shop }, { name: team, value: blue }] }
tracer_provider: { processors: [{ simple: { exporter: { console: } } }] }`;
    const { status } = startWith(both, { serviceName: "checkout", traces: "none" });
    expect(status).toMatch(/^checkout /);
    expect(status).toContain(`: otlp ${collector.url}/v1/metrics; traces off; `);
  });

  test("exporters of the code take the place of the file's readers, under the file's views, limits and resource", async () => {
    const keeping = keepingExporter();
    startWith(
      `${metersTo().slice(0, -2)}, views: [{ selector: { instrument_name: shop.orders }, stream: { name: shop.sales, attribute_keys: { excluded: [user] } } }] }
resource: { attributes: [{ name: team, value: blue }], detection/development: { detectors: [{ service: }] } }`,
      { exporters: [keeping] },
    );
    metrics.getMeter("shop").createCounter("shop.orders").add(2, { user: "ann", room: 1 });
    const { resource, scopeMetrics } = await keeping.collect();
    const sales = scopeMetrics
      .flatMap((scope) => scope.metrics)
      .find(({ descriptor }) => descriptor.name === "shop.sales");
    expect(sales?.dataPoints).toMatchObject([{ attributes: { room: 1 }, value: 2 }]);
    expect(sales?.dataPoints[0]?.attributes).not.toHaveProperty("user");
    expect(resource.attributes).toMatchObject({ team: "blue" });
    expect(resource.attributes).not.toHaveProperty("process.pid");
  });

  test("a reader's cardinality limits hold for its instruments, and no unit is lost", async () => {
    startWith(
      `meter_provider: { readers: [{ periodic: { exporter: { ${otlp("metrics")} }, cardinality_limits: { default: 100, counter: 3 } } }] }`,
    );
    const counter = metrics.getMeter("shop").createCounter("shop.limited");
    const recorder = metrics.getMeter("shop").createGauge("shop.unlimited");
    for (let room = 0; room < 50; room++) {
      counter.add(1, { room });
      recorder.record(1, { room });
    }
    await sdk?.forceFlush();
    const points = pointsOf(collector.received("/v1/metrics").split("\n").at(-1) ?? "");
    expect(points["shop.limited"]).toHaveLength(3);
    expect(points["shop.limited"]?.reduce((sum, point) => sum + Number(point.asDouble ?? point.asInt), 0)).toBe(50);
    expect(points["shop.unlimited"]).toHaveLength(50);
  });

  test("spans and log records go where the file says, under its limits and its propagators", async () => {
    vi.stubEnv("OTEL_EXPORTER_OTLP_HEADERS", "from-environment=1");
    startWith(`propagator: { composite: [{ tracecontext: }] }
tracer_provider:
  limits: { attribute_count_limit: 1 }
  processors: [{ batch: { exporter: { ${otlp("traces")} } } }]
logger_provider:
  limits: { attribute_value_length_limit: 3 }
  processors: [{ simple: { exporter: { ${otlp("logs")} } } }]`);
    trace
      .getTracer("shop")
      .startSpan("model call", { attributes: { first: 1, second: 2 } })
      .end();
    logs.getLogger("shop").emit({ body: "sold", attributes: { room: "blue room" } });
    await sdk?.forceFlush();
    const spans = collector.received("/v1/traces").split("\n").at(-1) ?? "";
    expect(spans).toContain("model call");
    expect(spans).toContain("first");
    expect(spans).not.toContain("second");
    const records = collector.received("/v1/logs").split("\n").at(-1) ?? "";
    expect(records).toContain('"blu"');
    expect(collector.headers("/v1/logs").at(-1)).not.toHaveProperty("from-environment");
    expect(collector.headers("/v1/traces").at(-1)).not.toHaveProperty("from-environment");
    expect(propagation.fields()).toEqual(["traceparent", "tracestate"]);
    expect(process.env["OTEL_EXPORTER_OTLP_HEADERS"]).toBe("from-environment=1");
  });

  test("what has no effect is told, a line each", () => {
    startWith(`resource: { schema_url: "https://example.com" }\n`);
    expect(logger.lines).toContainEqual(
      expect.stringMatching(/^warn: \S+otel\.yaml: resource\.schema_url is not supported and has no effect: /),
    );
  });

  test("a file that is disabled starts nothing, unless METERBRIDGE_DISABLED is false", async () => {
    expect(startWith("disabled: true\n").status).toMatch(/^off: "disabled" is true in \S+otel\.yaml$/);
    vi.stubEnv("METERBRIDGE_DISABLED", "false");
    expect(startWith(`disabled: true\n${metersTo()}`).status).toContain("otlp");
  });

  test("a process that is off does not care for its file", () => {
    vi.stubEnv("METERBRIDGE_DISABLED", "true");
    vi.stubEnv("OTEL_CONFIG_FILE", "/nowhere/otel.yaml");
    sdk = start({ diagLogger: logger });
    expect(sdk.status).toBe("off: METERBRIDGE_DISABLED is true");
  });

  test("the variable's old name is told", () => {
    vi.stubEnv("OTEL_EXPERIMENTAL_CONFIG_FILE", "otel.yaml");
    sdk = start({ diagLogger: logger, exporters: [] });
    expect(logger.lines).toContain(
      "warn: OTEL_EXPERIMENTAL_CONFIG_FILE has no effect: its name is OTEL_CONFIG_FILE now",
    );
  });
});

interface Point {
  readonly asDouble?: number;
  readonly asInt?: number | string;
}

interface Exported {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly {
        readonly name: string;
        readonly sum?: { readonly dataPoints: readonly Point[] };
        readonly gauge?: { readonly dataPoints: readonly Point[] };
      }[];
    }[];
  }[];
}

function pointsOf(sent: string): Record<string, readonly Point[]> {
  const { resourceMetrics } = JSON.parse(sent) as Exported;
  const all = resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  return Object.fromEntries(all.map(({ name, sum, gauge }) => [name, (sum ?? gauge)?.dataPoints ?? []]));
}
