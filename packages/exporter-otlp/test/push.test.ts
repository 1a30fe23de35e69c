import { gunzipSync } from "node:zlib";
import { otlp } from "@meterbridge/exporter-otlp";
import { type DiagLogger, metrics } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { type IMetricReader, MeterProvider } from "@opentelemetry/sdk-metrics";
import { afterEach, describe, expect, it } from "vitest";
import { freePort, until } from "../../../test/support/servers.ts";
import { type Backend, behaviours, startBackend } from "./backend.ts";

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).toReversed()) await step();
  metrics.disable();
});

describe("an export", () => {
  it("carries the values, the attributes, the resource and the headers, as JSON on demand", async () => {
    const { backend, provider, reader } = await start({ protocol: "http/json", headers: { "X-Key": "secret" } });
    provider.getMeter("shop").createCounter("orders").add(3, { tenant: "acme" });
    await reader.forceFlush();

    const [request] = backend.requests;
    expect(request).toMatchObject({
      method: "POST",
      path: "/v1/metrics",
      headers: { "content-type": "application/json", "x-key": "secret", "user-agent": "meterbridge-otlp" },
    });
    expect(sentMetrics(backend)).toMatchObject([
      {
        name: "orders",
        sum: {
          isMonotonic: true,
          aggregationTemporality: 2,
          dataPoints: [{ asDouble: 3, attributes: [{ key: "tenant", value: { stringValue: "acme" } }] }],
        },
      },
    ]);
    expect(String(request?.body)).toContain('{"key":"service.name","value":{"stringValue":"test"}}');
  });

  it("is protobuf by default", async () => {
    const { backend, provider, reader } = await start({});
    provider.getMeter("shop").createCounter("orders").add(3);
    await reader.forceFlush();

    expect(backend.requests[0]?.headers["content-type"]).toBe("application/x-protobuf");
    expect(backend.requests[0]?.body.includes("orders")).toBe(true);
  });

  it("is compressed when gzip is asked for", async () => {
    const { backend, provider, reader } = await start({ protocol: "http/json", compression: "gzip" });
    provider.getMeter("shop").createCounter("orders").add(3);
    await reader.forceFlush();

    expect(backend.requests[0]?.headers["content-encoding"]).toBe("gzip");
    expect(gunzipSync(backend.requests[0]?.body ?? "").toString()).toContain('"asDouble":3');
  });

  it("carries deltas when those are asked for", async () => {
    const { backend, provider, reader } = await start({ protocol: "http/json", temporality: "delta" });
    const orders = provider.getMeter("shop").createCounter("orders");
    orders.add(3);
    await reader.forceFlush();
    orders.add(4);
    await reader.forceFlush();

    expect(sentMetrics(backend)).toMatchObject([{ sum: { aggregationTemporality: 1, dataPoints: [{ asDouble: 4 }] } }]);
  });

  it("comes by itself at each interval", async () => {
    const { backend, provider } = await start({ exportIntervalMillis: 50 });
    provider.getMeter("shop").createCounter("orders").add(3);

    await until(() => backend.requests.length >= 3, "three exports");
  });

  it("does without the values that would make a collector refuse all of it, and tells and counts them once", async () => {
    const { backend, provider, reader, told } = await start({ protocol: "http/json" });
    metrics.setGlobalMeterProvider(provider);
    const meter = provider.getMeter("shop");
    meter.createCounter("orders").add(3);
    meter.createCounter("poisoned").add(Number.NaN);
    meter.createGauge("temperature").record(Number.POSITIVE_INFINITY);
    meter.createHistogram("duration").record(Number.POSITIVE_INFINITY);
    await reader.forceFlush();
    await reader.forceFlush();

    expect(sentMetrics(backend).map((metric) => metric.name)).toEqual([
      "orders",
      "meterbridge.exporter.points.dropped",
    ]);
    expect(sentMetrics(backend)[1]).toMatchObject({ sum: { dataPoints: [{ asDouble: 3 }] } });
    expect(told).toEqual([
      "warn [meterbridge] [otlp] data points that are NaN or infinite are not sent: poisoned, temperature, duration",
    ]);
  });
});

describe("a backend that fails", () => {
  it("is told once, and once when it works again, with the values intact", async () => {
    const { backend, provider, exporter, reader, told } = await start(
      { protocol: "http/json" },
      behaviours["answers 400"],
    );
    expect(exporter.isFailing?.()).toBe(false);
    const orders = provider.getMeter("shop").createCounter("orders");
    for (let export_ = 0; export_ < 3; export_++) {
      orders.add(1);
      await reader.forceFlush();
    }
    expect(exporter.isFailing?.()).toBe(true);
    backend.behave(behaviours.works);
    await reader.forceFlush();
    await reader.forceFlush();
    expect(exporter.isFailing?.()).toBe(false);

    const host = new URL(backend.url).host;
    expect(told).toEqual([
      `warn [meterbridge] [otlp] exports to ${host} fail: it answered 400 Bad Request: bad data`,
      `warn [meterbridge] [otlp] exports to ${host} work again after 3 that failed`,
    ]);
    expect(sentMetrics(backend)).toMatchObject([{ sum: { dataPoints: [{ asDouble: 3 }] } }]);
  });

  it("is counted in a meter of the application's own provider, which arrives once it works again", async () => {
    const { backend, provider, reader } = await start({ protocol: "http/json" }, behaviours["answers 400"]);
    metrics.setGlobalMeterProvider(provider);
    provider.getMeter("shop").createCounter("orders").add(1);
    await reader.forceFlush();
    await reader.forceFlush();
    backend.behave(behaviours.works);
    await reader.forceFlush();

    expect(sentMetrics(backend).find((metric) => metric.name === "meterbridge.exporter.failures")).toMatchObject({
      sum: { dataPoints: [{ asDouble: 2, attributes: [{ key: "exporter", value: { stringValue: "otlp" } }] }] },
    });
  });

  it("that rejects a part says so once and counts the points", async () => {
    const { backend, provider, reader, told } = await start({ protocol: "http/json" }, (response) =>
      response
        .writeHead(200, { "content-type": "application/json" })
        .end('{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"too old"}}'),
    );
    metrics.setGlobalMeterProvider(provider);
    provider.getMeter("shop").createCounter("orders").add(1);
    await reader.forceFlush();
    await reader.forceFlush();
    await reader.forceFlush();

    expect(told).toEqual([
      `warn [meterbridge] [otlp] ${new URL(backend.url).host} rejected 2 data points of an export: too old`,
    ]);
    expect(sentMetrics(backend).find((metric) => metric.name.endsWith("points.dropped"))).toMatchObject({
      sum: { dataPoints: [{ asDouble: 4 }] },
    });
  });

  it.each(["http/json", "http/protobuf"] as const)(
    "to speak OTLP but takes %s all the same is no trouble",
    async (protocol) => {
      for (const name of ["answers 200 with garbage", "answers 200 with 8 MB"] as const) {
        const { provider, reader, told } = await start({ protocol }, behaviours[name]);
        provider.getMeter("shop").createCounter("orders").add(1);
        await reader.forceFlush();

        expect(told).toEqual([]);
      }
    },
  );

  it("never shows a header's value, whatever it answers", async () => {
    const { provider, reader, told } = await start({ headers: { authorization: "Bearer hunter2-token" } }, (response) =>
      response.writeHead(401).end("unknown token hunter2-token"),
    );
    provider.getMeter("shop").createCounter("orders").add(1);
    await reader.forceFlush();
    await reader.shutdown();

    expect(told).toHaveLength(2);
    expect(told.join("\n")).not.toContain("hunter2");
  });

  it("is found as soon as it starts, though it was down when the application started", async () => {
    const port = await freePort();
    const { provider, told } = await startApplication({
      url: `http://127.0.0.1:${port}/v1/metrics`,
      protocol: "http/json",
      exportIntervalMillis: 100,
    });
    provider.getMeter("shop").createCounter("orders").add(3);
    await until(() => told.length > 0, "the first failure");
    const backend = await startBackend(behaviours.works, { port });
    cleanup.push(backend.close);
    await until(() => told.length > 1, "the recovery");

    expect(told[1]).toMatch(/work again after \d+ that failed$/);
    expect(sentMetrics(backend)).toMatchObject([{ sum: { dataPoints: [{ asDouble: 3 }] } }]);
  });
});

describe("a reader", () => {
  it("may be shut down twice and flushed afterwards", async () => {
    const { backend, provider, reader, told } = await start({});
    provider.getMeter("shop").createCounter("orders").add(1);
    await reader.shutdown();
    await reader.shutdown();
    await reader.forceFlush();

    expect(backend.requests).toHaveLength(1);
    expect(told).toEqual([]);
  });

  it("leaves in time when an observable callback hangs, and sends the rest", async () => {
    const { backend, provider, reader } = await start({ shutdownTimeoutMillis: 1000, protocol: "http/json" });
    const meter = provider.getMeter("shop");
    meter.createObservableGauge("hangs").addCallback(() => new Promise(() => {}));
    meter.createCounter("orders").add(1);
    const begin = performance.now();
    await reader.shutdown();

    expect(performance.now() - begin).toBeLessThan(2500);
    expect(sentMetrics(backend)).toMatchObject([{ name: "orders" }]);
  });

  it("opens no connection before there is something to send", async () => {
    const { backend, reader } = await start({});
    await reader.forceFlush();
    await reader.shutdown();

    expect(backend.requests).toHaveLength(0);
  });

  it("is independent of another one that the same exporter made", async () => {
    const backend = await startBackend();
    cleanup.push(backend.close);
    const exporter = otlp({ url: backend.url });
    const { diag } = recorder();
    const [first, second] = [0, 1].map(() =>
      exporter.createReader({ resourceAttributes: {}, diag, namespace: "" }),
    ) as [IMetricReader, IMetricReader];
    const provider = new MeterProvider({ readers: [first, second] });
    provider.getMeter("shop").createCounter("orders").add(1);
    await first.shutdown();
    await second.forceFlush();

    expect(backend.requests).toHaveLength(2);
    await second.shutdown();
  });
});

async function start(options: object, behaviour = behaviours.works) {
  const backend = await startBackend(behaviour);
  cleanup.push(backend.close);
  return { backend, ...(await startApplication({ url: backend.url, ...options })) };
}

async function startApplication(options: object) {
  const { told, diag } = recorder();
  const exporter = otlp({ shutdownTimeoutMillis: 1500, ...options });
  const reader = exporter.createReader({ resourceAttributes: {}, diag, namespace: "" });
  const provider = new MeterProvider({
    readers: [reader],
    resource: resourceFromAttributes({ "service.name": "test" }),
  });
  cleanup.push(() => reader.shutdown());
  return { exporter, reader, provider, told };
}

function recorder() {
  const told: string[] = [];
  const logger =
    (level: string) =>
    (message: string): void =>
      void told.push(`${level} ${message}`);
  const diag: DiagLogger = {
    error: logger("error"),
    warn: logger("warn"),
    info: logger("info"),
    debug: () => {},
    verbose: () => {},
  };
  return { told, diag };
}

interface SentMetric {
  readonly name: string;
}

/** The metrics of the last request, which was JSON. */
function sentMetrics(backend: Backend): SentMetric[] {
  const body: { resourceMetrics: { scopeMetrics: { metrics: SentMetric[] }[] }[] } = JSON.parse(
    String(backend.requests.at(-1)?.body),
  );
  return body.resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
}
