import path from "node:path";
import { createLogger } from "@meterbridge/http/logs";
import { type Sdk, start, type StartOptions } from "@meterbridge/node";
import { context, logs, SeverityNumber, trace, TraceFlags } from "@opentelemetry/api";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { findServer, freePort, type RunningProcess, startProcess, until } from "../../../test/support/servers.ts";
import { acceptingCollector, type FakeCollector, hangingCollector } from "./fake-collector.ts";
import { hideEnvironment, keepingLogger } from "./support.ts";

let collector: FakeCollector | undefined;
let server: RunningProcess | undefined;
let sdk: Sdk | undefined;
beforeEach(hideEnvironment);
afterEach(async () => {
  await sdk?.shutdown();
  await collector?.close();
  await server?.stop();
  vi.unstubAllEnvs();
});

function startWith(environment: Record<string, string>, options: StartOptions = {}) {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const told = keepingLogger();
  sdk = start({ exporters: [], serviceName: "checkout", diagLogger: told, ...options });
  const written: string[] = [];
  const logger = createLogger({ name: "api", destination: { write: (line) => void written.push(line) } });
  return { sdk, logger, written, told: told.lines };
}

test("naming an OTLP endpoint sends the log's lines there, too, as protobuf, with the service's name", async () => {
  collector = await acceptingCollector();
  const { logger, written } = startWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  logger.warn({ order: "o-1" }, "out of stock");
  await sdk?.forceFlush();
  const received = collector.received("/v1/logs");
  for (const part of ["out of stock", "o-1", "checkout", "api", "warn"]) expect(received).toContain(part);
  expect(() => JSON.parse(received)).toThrow(SyntaxError);
  expect(written).toHaveLength(1);
});

test("a record has the line's time, level, message, fields, exception and trace, and none of its secrets", async () => {
  collector = await acceptingCollector();
  const { logger, written } = startWith({
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `${collector.url}/v1/logs`,
    OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: "http/json",
  });
  const span = {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    traceFlags: TraceFlags.SAMPLED,
  };
  context.with(trace.setSpanContext(context.active(), span), () => {
    logger.child({ module: "billing" }).error({ password: "canary", nested: { a: 1 } }, "failed", new Error("x"));
    logger.error({ err: new TypeError("redis://:canary@host"), attempt: 2 }, "failed with token=canary");
  });
  await sdk?.forceFlush();
  const { resourceLogs } = JSON.parse(collector.received("/v1/logs")) as { resourceLogs: ResourceLogs[] };
  const [scope] = resourceLogs[0]?.scopeLogs ?? [];
  expect(scope?.scope.name).toBe("api");
  const record = scope?.logRecords[1];
  const line = JSON.parse(written[1] ?? "{}") as { timestamp: string };
  expect(record).toMatchObject({
    timeUnixNano: `${Date.parse(line.timestamp)}000000`,
    severityNumber: 17,
    severityText: "error",
    body: { stringValue: "failed with token=[Redacted]" },
    traceId: span.traceId,
    spanId: span.spanId,
  });
  const attributes = Object.fromEntries(
    record?.attributes.map(({ key, value }) => [key, Object.values(value)[0]]) ?? [],
  );
  expect(attributes).toEqual({
    logger: "api",
    attempt: 2,
    "exception.type": "TypeError",
    "exception.message": "redis://[Redacted]@host",
    "exception.stacktrace": expect.stringContaining("TypeError: redis://[Redacted]@host"),
  });
  expect(JSON.stringify(resourceLogs)).not.toContain("canary");
});

test("without an endpoint no logger provider is registered, and none of the SDK is paid for", () => {
  const { sdk: started } = startWith({});
  expect(started.status).not.toContain("logs");
  expect(logs.getLogger("x").enabled({ severityNumber: SeverityNumber.FATAL })).toBe(false);
});

test("a logger provider of the application's own stays, and gets the lines", async () => {
  collector = await acceptingCollector();
  const emitted: unknown[] = [];
  const own = { emit: (record: { readonly body?: unknown }) => void emitted.push(record.body), enabled: () => true };
  logs.setGlobalLoggerProvider({ getLogger: () => own });
  try {
    const { logger, sdk: started } = startWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    logger.info("to the application's own");
    expect(emitted).toEqual(["to the application's own"]);
    expect(started.status).toContain("logs by the logger provider that is already registered");
    await started.forceFlush();
    expect(collector.received("/v1/logs")).toBe("");
  } finally {
    logs.disable();
  }
});

test.each([
  ["METERBRIDGE_LOGS_EXPORTER", "none"],
  ["OTEL_LOGS_EXPORTER", "none"],
])("%s=%s keeps logs at home, whatever endpoint is set for the rest", async (name, value) => {
  collector = await acceptingCollector();
  const { logger } = startWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, [name]: value });
  logger.info("hello");
  await sdk?.forceFlush();
  expect(collector.received("/v1/logs")).toBe("");
});

test("a collector that is away, or takes no logs, is told once, and costs the application nothing but the records", async () => {
  const { logger, written, told } = startWith({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` });
  for (let batch = 0; batch < 2; batch++) {
    logger.info("hello");
    await sdk?.forceFlush();
  }
  expect(written).toHaveLength(2);
  expect(told.filter((line) => line.includes("[logs] log records cannot be exported and are lost"))).toHaveLength(1);
});

test("a collector that never answers does not hold the process beyond the shutdown's deadline", async () => {
  collector = await hangingCollector("dripping");
  const { logger } = startWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }, { shutdownTimeoutMillis: 300 });
  logger.info("hello");
  const begun = performance.now();
  await sdk?.shutdown();
  expect(performance.now() - begun).toBeLessThan(2000);
});

test("lines that come faster than they can be sent are counted, not lost in silence", async () => {
  collector = await acceptingCollector();
  const { logger, told } = startWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  for (let line = 0; line < 5000; line++) logger.info({ line }, "hello");
  await sdk?.forceFlush();
  const lost = Number(/log records are taken again; (\d+) were lost/.exec(told.join("\n"))?.[1]);
  expect(lost).toBe(5000 - collector.received("/v1/logs").split("hello").length + 1);
  expect(lost).toBeGreaterThan(0);
});

test("logs cannot be sent by grpc, which is said at the start", () => {
  vi.stubEnv("METERBRIDGE_LOGS_EXPORTER", "otlp");
  vi.stubEnv("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc");
  expect(() => start({ exporters: [], diagLogger: keepingLogger() })).toThrow(
    /^\[meterbridge\] logs cannot be sent by grpc: set OTEL_EXPORTER_OTLP_LOGS_PROTOCOL to http\/protobuf or http\/json/,
  );
});

const otelcol = findServer("otelcol");

describe.skipIf(otelcol === undefined)("a real collector with otel-collector.yaml", () => {
  test.each(["http/protobuf", "http/json"])("takes the lines by %s, and shows what was written", async (protocol) => {
    const [grpc, http] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${http}`;
    server = startProcess(
      otelcol ?? "",
      [`--config=${path.join(import.meta.dirname, "../../../otel-collector.yaml")}`],
      {
        env: {
          PATH: process.env["PATH"],
          OTLP_GRPC_PORT: String(grpc),
          OTLP_HTTP_PORT: String(http),
          DEBUG_VERBOSITY: "detailed",
        },
      },
    );
    const headers = { "content-type": "application/json" };
    const ready = () => fetch(`${url}/v1/logs`, { method: "POST", headers, body: '{"resourceLogs":[]}' });
    await until(async () => (await ready()).ok, "the collector");
    const { logger, told } = startWith({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
    const span = {
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      traceFlags: TraceFlags.SAMPLED,
    };
    context.with(trace.setSpanContext(context.active(), span), () =>
      logger
        .child({ module: "billing" })
        .error({ err: new RangeError("too much"), nested: { list: [1, "two"] } }, "refused"),
    );
    await sdk?.forceFlush();
    const output = await until(() => (server?.output().includes("refused") ? server.output() : ""), "the record");
    for (const part of [
      "service.name: Str(checkout)",
      "InstrumentationScope api",
      "SeverityText: error",
      "SeverityNumber: Error(17)",
      "Body: Str(refused)",
      "module: Str(billing)",
      'nested: Map({"list":[1,"two"]})',
      "exception.type: Str(RangeError)",
      "Trace ID: 0af7651916cd43dd8448eb211c80319c",
      "Span ID: b7ad6b7169203331",
    ]) {
      expect(output).toContain(part);
    }
    expect(told.filter((line) => line.startsWith("warn"))).toEqual([]);
  });
});

interface ResourceLogs {
  readonly scopeLogs: readonly {
    readonly scope: { readonly name: string };
    readonly logRecords: readonly {
      readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
    }[];
  }[];
}
