import { llm, withAttribution } from "@meterbridge/core";
import { type Sdk, start, type StartOptions } from "@meterbridge/node";
import { context, createContextKey, metrics, propagation, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { hideEnvironment, keepingExporter, keepingLogger, metricNames } from "./support.ts";

const started: Sdk[] = [];

function startQuietly(options: StartOptions = {}): Sdk {
  const sdk = start({ diagLogger: keepingLogger(), ...options });
  started.push(sdk);
  return sdk;
}

beforeEach(hideEnvironment);
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const sdk of started.splice(0)) await sdk.shutdown();
  metrics.disable();
  trace.disable();
});

test("what the application records through core reaches every exporter, whole", async () => {
  const first = keepingExporter("first");
  const second = keepingExporter("second");
  const sdk = startQuietly({ exporters: [first, second], namespace: "shop" });
  withAttribution({ tenant: "acme" }, () => llm.record({ provider: "openai", model: "gpt-5", inputTokens: 3 }));
  const fromFirst = metricNames(await first.collect());
  expect(fromFirst).toContain("shop.llm.requests");
  expect(fromFirst).toContain("gen_ai.client.inference.usage.input_tokens");
  expect(metricNames(await second.collect())).toEqual(fromFirst);
  expect(sdk.exporters).toEqual([first, second]);
  expect(sdk.meterProvider).toBe(metrics.getMeterProvider());
});

test("model calls are priced without a word of configuration, and are not when the price book is null", async () => {
  const priced = keepingExporter("priced");
  const sdk = startQuietly({ exporters: [priced] });
  const call = { provider: "openai", model: "gpt-4o", inputTokens: 1000, outputTokens: 1000 };
  llm.record(call);
  expect(metricNames(await priced.collect())).toContain("llm.cost");
  await sdk.shutdown();
  const unpriced = keepingExporter("unpriced");
  startQuietly({ exporters: [unpriced], priceBook: null });
  llm.record(call);
  const names = metricNames(await unpriced.collect());
  expect(names).toContain("llm.unpriced");
  expect(names).not.toContain("llm.cost");
});

test("the resource says who is sending: the service, the instance, what the environment and the options add", async () => {
  vi.stubEnv("OTEL_RESOURCE_ATTRIBUTES", "service.name=from-attributes,team=blue,region=eu");
  const exporter = keepingExporter();
  startQuietly({ exporters: [exporter], serviceName: "checkout", resourceAttributes: { team: "red" } });
  const { attributes } = (await exporter.collect()).resource;
  expect(attributes).toMatchObject({
    "service.name": "checkout",
    team: "red",
    region: "eu",
    "telemetry.sdk.language": "nodejs",
    "process.pid": process.pid,
  });
  expect(attributes["service.instance.id"]).toMatch(/^[0-9a-f-]{36}$/);
});

test("one status line says what is running", () => {
  const logger = keepingLogger();
  const sdk = startQuietly({ exporters: [keepingExporter("first")], serviceName: "checkout", diagLogger: logger });
  expect(sdk.status).toMatch(/^checkout \d+\.\d+\.\d+: first; traces off; captures fetch$/);
  expect(logger.lines).toEqual([`info: ${sdk.status}`]);
});

test("a second start() returns the first with a warning, because a preload may have started it already", () => {
  const logger = keepingLogger();
  const sdk = startQuietly({ exporters: [keepingExporter()], diagLogger: logger });
  expect(start({ exporters: [] })).toBe(sdk);
  expect(logger.lines.at(-1)).toContain("warn: start() was called again");
});

test.each(["the first", "a second"])(
  "after shutdown() of %s start() nothing of ours is left in the OpenTelemetry API",
  async () => {
    const before = {
      meters: metrics.getMeterProvider(),
      listeners: ["SIGTERM", "SIGINT", "beforeExit"].map((event) => process.listenerCount(event)),
    };
    const exporter = keepingExporter();
    const sdk = startQuietly({ exporters: [exporter] });
    llm.record({ provider: "openai", model: "gpt-5" });
    expect(metricNames(await exporter.collect())).toContain("llm.requests");
    await sdk.shutdown();
    await sdk.shutdown();
    expect(exporter.calls).toEqual(["shutdown"]);
    expect(metrics.getMeterProvider()).toBe(before.meters);
    expect(propagation.fields()).toEqual([]);
    expect(["SIGTERM", "SIGINT", "beforeExit"].map((event) => process.listenerCount(event))).toEqual(before.listeners);
  },
);

test("attribution follows a call through await and to the next service", async () => {
  startQuietly({ exporters: [] });
  const key = createContextKey("test");
  await context.with(ROOT_CONTEXT.setValue(key, "kept"), async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(context.active().getValue(key)).toBe("kept");
  });
  expect(propagation.fields()).toEqual(["traceparent", "tracestate", "baggage"]);
});

test("METERBRIDGE_DISABLED starts nothing, registers nothing and says so", () => {
  vi.stubEnv("METERBRIDGE_DISABLED", "true");
  const before = metrics.getMeterProvider();
  const exporter = keepingExporter();
  const sdk = startQuietly({ exporters: [exporter] });
  expect(sdk.status).toBe("off: METERBRIDGE_DISABLED is true");
  expect(metrics.getMeterProvider()).toBe(before);
  expect(exporter.calls).toEqual([]);
});

test("a mistyped METERBRIDGE_ variable is told, one of an exporter's own is not", () => {
  vi.stubEnv("METERBRIDGE_EXPORTER", "otlp");
  vi.stubEnv("METERBRIDGE_PROMETHEUS_PORT", "9465");
  vi.stubEnv("METERBRIDGE_MY_BACKEND_KEY", "secret");
  const logger = keepingLogger();
  startQuietly({ exporters: [keepingExporter("my-backend")], diagLogger: logger });
  expect(logger.lines.filter((line) => line.includes("METERBRIDGE_"))).toEqual([
    "warn: the environment variable METERBRIDGE_EXPORTER is unknown and has no effect",
  ]);
});

describe("what is refused leaves nothing behind", () => {
  test("an exporter that refuses its configuration, after another was opened", async () => {
    const first = keepingExporter("first");
    const refusing = keepingExporter("refusing");
    const options = {
      exporters: [
        first,
        {
          ...refusing,
          createReader() {
            throw new Error('[meterbridge] [refusing] option "key" is missing');
          },
        },
      ],
    };
    const before = metrics.getMeterProvider();
    expect(() => startQuietly(options)).toThrow('[refusing] option "key" is missing');
    expect(metrics.getMeterProvider()).toBe(before);
    expect(propagation.fields()).toEqual([]);
    await vi.waitFor(() => expect(first.calls).toEqual(["shutdown"]));
    expect(startQuietly({ exporters: [keepingExporter()] }).status).toContain("keeping");
  });

  test("a wrong option", () => {
    expect(() => startQuietly({ seriesLimit: 0 })).toThrow('option "seriesLimit"');
    expect(startQuietly({ exporters: [] }).status).toContain("no exporters, meters are not recorded");
  });
});

describe("an exporter in trouble is told and holds nobody up", () => {
  test("one that fails leaves the others to finish", async () => {
    const logger = keepingLogger();
    const failing = keepingExporter("failing", () => Promise.reject(new Error("backend gone")));
    let finished = false;
    const slow = keepingExporter("slow", async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      finished = true;
    });
    const sdk = startQuietly({ exporters: [failing, slow], diagLogger: logger });
    await sdk.forceFlush();
    expect(finished).toBe(true);
    expect(logger.lines.filter((line) => line.startsWith("warn"))).toEqual([
      "warn: [failing] the last export failed: backend gone",
    ]);
  });

  test("one that hangs is given up at the deadline", async () => {
    const logger = keepingLogger();
    const hanging = keepingExporter("hanging", () => new Promise(() => {}));
    const sdk = startQuietly({ exporters: [hanging], diagLogger: logger, shutdownTimeoutMillis: 200 });
    const before = performance.now();
    await sdk.shutdown();
    expect(performance.now() - before).toBeLessThan(2500);
    expect(logger.lines.filter((line) => line.startsWith("warn"))).toHaveLength(1);
    expect(logger.lines.join("\n")).toContain("warn: [hanging] the last export");
  });
});

describe("beside another SDK", () => {
  test("a meter provider that is registered already stays, is recorded into, and the status says so", async () => {
    const theirs = keepingExporter("theirs");
    const context_ = { resourceAttributes: {}, diag: keepingLogger(), namespace: "" };
    const provider = new MeterProvider({ readers: [theirs.createReader(context_)] });
    metrics.setGlobalMeterProvider(provider);
    const ours = keepingExporter("ours");
    const sdk = startQuietly({ exporters: [ours], serviceName: "checkout" });
    llm.record({ provider: "openai", model: "gpt-5" });
    expect(metricNames(await theirs.collect())).toContain("llm.requests");
    expect(sdk.status).toContain(
      "records into the meter provider that is already registered (MeterProvider), without ours",
    );
    expect(sdk.exporters).toEqual([]);
    expect(sdk.meterProvider).toBe(provider);
    await sdk.shutdown();
    expect(metrics.getMeterProvider()).toBe(provider);
    expect(theirs.calls).toEqual([]);
  });

  test("a meter provider given as an option is recorded into and flushed, not shut down", async () => {
    const theirs = keepingExporter("theirs");
    const context_ = { resourceAttributes: {}, diag: keepingLogger(), namespace: "" };
    const meterProvider = new MeterProvider({ readers: [theirs.createReader(context_)] });
    const sdk = startQuietly({ meterProvider });
    llm.record({ provider: "openai", model: "gpt-5" });
    expect(metricNames(await theirs.collect())).toContain("llm.requests");
    await sdk.shutdown();
    expect(theirs.calls).toEqual(["forceFlush"]);
    expect(metrics.getMeterProvider()).not.toBe(meterProvider);
  });

  test("a meter provider given beside another one that is registered is refused", () => {
    metrics.setGlobalMeterProvider(new MeterProvider());
    expect(() => startQuietly({ meterProvider: new MeterProvider() })).toThrow("already registered globally");
  });

  test("a tracer provider that is registered already stays", () => {
    const theirs = { getTracer: () => trace.getTracer("theirs") };
    trace.setGlobalTracerProvider(theirs);
    expect(startQuietly({ exporters: [], traces: "otlp" }).status).toContain("already registered");
  });
});
