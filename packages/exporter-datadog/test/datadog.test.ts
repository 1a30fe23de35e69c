import { createSocket } from "node:dgram";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { gunzipSync } from "node:zlib";
import { datadog, type DatadogOptions } from "@meterbridge/exporter-datadog";
import type { DiagLogger } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { until } from "../../../test/support/servers.ts";

const apiKey = "0123456789abcdef0123456789abcdef";
const cleanup: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  for (const name of [
    "DD_API_KEY",
    "DD_SITE",
    "DD_AGENT_HOST",
    "DD_ENV",
    "DD_SERVICE",
    "DD_VERSION",
    "DD_DOGSTATSD_PORT",
  ]) {
    vi.stubEnv(name, undefined);
  }
});

afterEach(async () => {
  for (const end of cleanup.splice(0).toReversed()) await end();
  vi.unstubAllEnvs();
});

describe("where it sends", () => {
  test.each<[string, Record<string, string>, DatadogOptions, string]>([
    ["to the Agent of this machine by default", {}, {}, "http://localhost:4318/v1/metrics"],
    ["to the Agent of another host", { DD_AGENT_HOST: "agent.local" }, {}, "http://agent.local:4318/v1/metrics"],
    ["to the intake with an API key", { DD_API_KEY: apiKey }, {}, "https://otlp.datadoghq.com/v1/metrics"],
    ["to another site", { DD_API_KEY: apiKey, DD_SITE: "datadoghq.eu" }, {}, "https://otlp.datadoghq.eu/v1/metrics"],
    [
      "to the Agent when told so, though there is a key",
      { DD_API_KEY: apiKey },
      { mode: "agent" },
      "http://localhost:4318/v1/metrics",
    ],
    ["to a URL of one's own", {}, { url: "http://proxy.local/dd" }, "http://proxy.local/dd"],
    ["to DogStatsD", { DD_DOGSTATSD_PORT: "8126" }, { mode: "dogstatsd" }, "udp://localhost:8126"],
  ])("%s", (_name, environment, options, target) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    // What is another backend's is none of its business.
    vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
    vi.stubEnv("OTEL_EXPORTER_OTLP_HEADERS", "x=y");
    expect(datadog(options)).toMatchObject({ specificationVersion: 1, name: "datadog", target });
  });
});

describe("a wrong setting ends the start with one line", () => {
  test.each<[DatadogOptions, Record<string, string>, string]>([
    [
      { mode: "agentless" },
      {},
      'mode "agentless" needs an API key: set DD_API_KEY or option "apiKey", or mode "agent" to send to an Agent',
    ],
    [{ mode: "cloud" as "agent" }, {}, 'option "mode" must be "agent", "agentless" or "dogstatsd", found "cloud"'],
    [{}, { DD_SITE: "evil.example/?" }, 'DD_SITE must be a host name, such as datadoghq.eu, found "evil.example/?"'],
    [{}, { DD_API_KEY: "not a key" }, "DD_API_KEY must be a Datadog API key: letters and digits, found something else"],
    [{ port: 1 } as DatadogOptions, {}, "an option must be one of mode, apiKey, site,"],
    [
      { exportIntervalMillis: 0 },
      {},
      '[datadog] option "exportIntervalMillis" must be a whole number of milliseconds from 1 to',
    ],
    [{ mode: "dogstatsd", dogstatsdPort: 0 }, {}, 'option "dogstatsdPort" must be a port from 1 to 65535, found 0'],
  ])("%j under %j", (options, environment, message) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    expect(() => datadog(options)).toThrow(message);
  });
});

describe("what an Agent or the intake gets", () => {
  test("are deltas in protobuf, with the unified service tags over the resource", async () => {
    vi.stubEnv("DD_ENV", "production");
    vi.stubEnv("DD_SERVICE", "support-desk");
    vi.stubEnv("DD_VERSION", "1.4.2");
    const backend = await startBackend();
    const { provider, reader } = start({ url: backend.url });
    provider.getMeter("shop").createCounter("orders").add(3, { tenant: "acme" });
    await reader.forceFlush();

    const [request] = backend.requests;
    expect(request!.headers["content-type"]).toBe("application/x-protobuf");
    expect(request!.headers).not.toHaveProperty("dd-api-key");
    const text = request!.body.toString("latin1");
    for (const part of [
      "deployment.environment.name",
      "production",
      "support-desk",
      "1.4.2",
      "host.name",
      "orders",
      "acme",
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain("not-this-service");
    // The end of a Sum: aggregation_temporality 1, delta; is_monotonic.
    expect(request!.body.includes(Buffer.from([0x10, 1, 0x18, 1]))).toBe(true);
  });

  test("without an Agent have the key in a header, are compressed, and ask for tags of the resource", async () => {
    vi.stubEnv("DD_API_KEY", apiKey);
    const backend = await startBackend();
    const { provider, reader } = start({ url: backend.url });
    provider.getMeter("shop").createCounter("orders").add(3);
    await reader.forceFlush();

    const [request] = backend.requests;
    expect(request!.headers).toMatchObject({
      "dd-api-key": apiKey,
      "content-encoding": "gzip",
      "dd-otel-metric-config": '{"resource_attributes_as_tags":true}',
    });
    expect(gunzipSync(request!.body).includes("orders")).toBe(true);
  });

  test.each([
    [401, "check DD_API_KEY"],
    [403, "check DD_API_KEY, and that it belongs to the site in DD_SITE"],
    [404, "check DD_SITE"],
    [413, "attributes must be shorter"],
  ])("and refuses with %d is told in one line, with what to do and without the key", async (status, advice) => {
    const backend = await startBackend(status, `no: ${apiKey}`);
    const { provider, reader, told } = start({ url: backend.url, apiKey, mode: "agentless" });
    provider.getMeter("shop").createCounter("orders").add(3);
    await reader.forceFlush();
    await reader.forceFlush();

    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/^\[meterbridge\] \[datadog\] exports to 127\.0\.0\.1:\d+ fail: /);
    expect(told[0]).toContain(advice);
    expect(told[0]).toContain(`it answered ${status}`);
    expect(told.join()).not.toContain(apiKey);
  });

  test("by an Agent that takes no OTLP is told with how to switch that on", async () => {
    const backend = await startBackend();
    await backend.stop();
    const { provider, reader, told } = start({ url: backend.url, exportTimeoutMillis: 200 });
    provider.getMeter("shop").createCounter("orders").add(3);
    await reader.forceFlush();
    expect(told[0]).toContain("DD_OTLP_CONFIG_RECEIVER_PROTOCOLS_HTTP_ENDPOINT=0.0.0.0:4318");
  });
});

describe("DogStatsD", () => {
  test("gets counts, gauges and histograms with their buckets, and the unified service tags", async () => {
    vi.stubEnv("DD_ENV", "production");
    const listener = await startListener();
    const { provider, reader } = start({ mode: "dogstatsd", agentHost: "127.0.0.1", dogstatsdPort: listener.port });
    const meter = provider.getMeter("shop");
    const orders = meter.createCounter("orders");
    orders.add(3, { tenant: "acme" });
    meter.createUpDownCounter("open").add(2);
    meter.createGauge("temperature").record(21.5);
    meter.createHistogram("euros", { advice: { explicitBucketBoundaries: [10, 20] } }).record(15);
    await reader.forceFlush();
    orders.add(4, { tenant: "acme" });
    await reader.shutdown();
    await reader.shutdown();

    await until(() => listener.lines().filter((line) => line.startsWith("orders:")).length === 2, "both counts");
    expect(listener.lines().toSorted()).toEqual([
      "euros.bucket:1|c|#env:production,lower_bound:10,upper_bound:20",
      "euros.count:1|c|#env:production",
      "euros.sum:15|c|#env:production",
      "open:2|g|#env:production",
      "open:2|g|#env:production",
      "orders:3|c|#env:production,tenant:acme",
      "orders:4|c|#env:production,tenant:acme",
      "temperature:21.5|g|#env:production",
    ]);
  });
});

test("DogStatsD is out when a flush has ended, not a second later, when a function may be frozen", async () => {
  const listener = await startListener();
  const { provider, reader } = start({ mode: "dogstatsd", agentHost: "127.0.0.1", dogstatsdPort: listener.port });
  provider.getMeter("shop").createCounter("orders").add(3);
  const timers = vi.spyOn(globalThis, "setInterval").mockImplementation(() => ({ unref() {} }) as NodeJS.Timeout);
  try {
    await reader.forceFlush();
    await until(() => listener.lines().includes("orders:3|c"), "the count, though no timer ever fires");
  } finally {
    timers.mockRestore();
  }
});

function start(options: DatadogOptions) {
  const told: string[] = [];
  const tell = (message: string): void => void told.push(message);
  const diag: DiagLogger = { error: tell, warn: tell, info() {}, debug() {}, verbose() {} };
  const exporter = datadog({ shutdownTimeoutMillis: 2000, ...options });
  const reader = exporter.createReader({ resourceAttributes: {}, diag, namespace: "" });
  const resource = resourceFromAttributes({
    "host.name": "this-host",
    ...(process.env["DD_SERVICE"] ? { "service.name": "not-this-service" } : {}),
  });
  const provider = new MeterProvider({ readers: [reader], resource });
  cleanup.push(() => reader.shutdown());
  return { provider, reader, told };
}

async function startBackend(status = 200, answer = "") {
  const requests: { readonly headers: IncomingHttpHeaders; readonly body: Buffer }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      requests.push({ headers: request.headers, body: Buffer.concat(chunks) });
      response.writeHead(status).end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  cleanup.push(stop);
  return { url: `http://127.0.0.1:${address.port}/v1/metrics`, requests, stop };
}

async function startListener() {
  const packets: string[] = [];
  const socket = createSocket("udp4", (packet) => packets.push(packet.toString()));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  cleanup.push(() => new Promise<void>((resolve) => socket.close(resolve)));
  const lines = (): string[] => packets.flatMap((packet) => packet.split("\n")).filter((line) => line !== "");
  // hot-shots says which container it runs in, where it runs in one.
  const withoutOrigin = (): string[] => lines().map((line) => line.replace(/\|c:(?:in|ci)-\S+$/, ""));
  return { port: socket.address().port, lines: withoutOrigin };
}
