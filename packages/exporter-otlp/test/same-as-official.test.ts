import { otlp } from "@meterbridge/exporter-otlp";
import { diag } from "@opentelemetry/api";
import { OTLPMetricExporter as OfficialJsonExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as OfficialProtobufExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import {
  type CollectionResult,
  MeterProvider,
  MetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import { afterEach, describe, expect, it, vi } from "vitest";
import { behaviours, type ReceivedRequest, startBackend } from "./backend.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

// The environment is read by code of our own, because a wrong value must end the start. Right values mean the same.
describe("a request", () => {
  it.each<Record<string, string>>([
    { OTEL_EXPORTER_OTLP_ENDPOINT: "BACKEND" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "BACKEND/" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "BACKEND/otlp" },
    { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "BACKEND" },
    { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "BACKEND/otlp/metrics?a=b" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "BACKEND/x" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "BACKEND", OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "BACKEND", OTEL_EXPORTER_OTLP_HEADERS: "api-key=a%20b%2Cc, X-Two = two=2 ," },
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: "BACKEND",
      OTEL_EXPORTER_OTLP_HEADERS: "one=general,two=general",
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: "two=metrics,authorization=Basic dXNlcjpwYXNz",
    },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "BACKEND", OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" },
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: "BACKEND",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: "none",
    },
  ])("under %j goes where the official exporter's goes, with the same headers", async (environment) => {
    const [ours, theirs] = await requestsUnder(environment, () => new OfficialProtobufExporter());

    expect(describeRequest(ours)).toEqual(describeRequest(theirs));
  });

  it("in JSON has the official exporter's form", async () => {
    const [ours, theirs] = await requestsUnder(
      { OTEL_EXPORTER_OTLP_ENDPOINT: "BACKEND", OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" },
      () => new OfficialJsonExporter(),
    );

    expect(describeRequest(ours)).toEqual(describeRequest(theirs));
    expect(withoutTimes(ours.body)).toEqual(withoutTimes(theirs.body));
  });

  it("in protobuf has the official exporter's length and names", async () => {
    const [ours, theirs] = await requestsUnder(
      { OTEL_EXPORTER_OTLP_ENDPOINT: "BACKEND" },
      () => new OfficialProtobufExporter(),
    );

    // The times differ, and are of fixed length.
    expect(ours.body.length).toBe(theirs.body.length);
    for (const text of ["orders", "duration", "acme"]) expect(ours.body.includes(text)).toBe(true);
  });
});

/** The request of each exporter for the same recordings. */
async function requestsUnder(
  environment: Readonly<Record<string, string>>,
  createOfficial: () => PushMetricExporter,
): Promise<[ours: ReceivedRequest, theirs: ReceivedRequest]> {
  const backend = await startBackend(behaviours.works);
  const { origin } = new URL(backend.url);
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value.replace("BACKEND", origin));
  const manual = new ManualReader();
  const reader = otlp().createReader({ resourceAttributes: {}, diag, namespace: "" });
  const provider = new MeterProvider({ readers: [reader, manual] });
  const meter = provider.getMeter("shop", "1.0.0");
  meter.createCounter("orders", { unit: "{order}", description: "Orders" }).add(3, { tenant: "acme", vip: true });
  meter.createHistogram("duration", { unit: "s" }).record(0.25);
  meter.createGauge("temperature").record(-1.5);

  await reader.shutdown();
  const official = createOfficial();
  const { resourceMetrics }: CollectionResult = await manual.collect();
  await new Promise<void>((resolve) => official.export(resourceMetrics, () => resolve()));
  await official.shutdown();
  await backend.close();
  const [ours, theirs] = backend.requests;
  if (ours === undefined || theirs === undefined) throw new Error(`only ${backend.requests.length} requests arrived`);
  return [ours, theirs];
}

class ManualReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

function describeRequest({ method, path, headers }: ReceivedRequest): object {
  const { "user-agent": _agent, "content-length": _length, "transfer-encoding": _encoding, ...others } = headers;
  return { method, path, headers: others };
}

function withoutTimes(body: Buffer): unknown {
  return JSON.parse(body.toString().replaceAll(/"(start)?[tT]imeUnixNano":"\d+"/g, '"$1time":0'));
}
