import { type Sdk, start } from "@meterbridge/node";
import { trace } from "@opentelemetry/api";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { acceptingCollector, type FakeCollector } from "./fake-collector.ts";
import { hideEnvironment, keepingLogger } from "./support.ts";

let collector: FakeCollector | undefined;
let sdk: Sdk | undefined;
beforeEach(hideEnvironment);
afterEach(async () => {
  await sdk?.shutdown();
  await collector?.close();
  vi.unstubAllEnvs();
});

async function startWith(environment: Record<string, string> = {}): Promise<FakeCollector> {
  collector = await acceptingCollector();
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url);
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  sdk = start({ exporters: [], serviceName: "checkout", diagLogger: keepingLogger() });
  return collector;
}

test("naming an OTLP endpoint sends spans there, as protobuf, with the service's name", async () => {
  const { received } = await startWith();
  trace.getTracer("test").startSpan("model call").end();
  await sdk?.forceFlush();
  expect(received("/v1/traces")).toContain("model call");
  expect(received("/v1/traces")).toContain("checkout");
  expect(() => JSON.parse(received("/v1/traces"))).toThrow(SyntaxError);
});

test("spans can be sent as JSON", async () => {
  const { received } = await startWith({ OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" });
  trace.getTracer("test").startSpan("model call").end();
  await sdk?.forceFlush();
  expect(JSON.parse(received("/v1/traces"))).toHaveProperty("resourceSpans");
});

test("the sampler of the environment decides which spans are kept", async () => {
  const { received } = await startWith({
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0",
  });
  const span = trace.getTracer("test").startSpan("model call");
  expect(span.isRecording()).toBe(false);
  span.end();
  await sdk?.forceFlush();
  expect(received("/v1/traces")).toBe("");
});

test("after shutdown() no span is recorded, and a new start() records again", async () => {
  const { received } = await startWith();
  await sdk?.shutdown();
  expect(trace.getTracer("test").startSpan("between").isRecording()).toBe(false);
  sdk = start({ exporters: [], diagLogger: keepingLogger() });
  trace.getTracer("test").startSpan("again").end();
  await sdk.forceFlush();
  expect(received("/v1/traces")).toContain("again");
});
