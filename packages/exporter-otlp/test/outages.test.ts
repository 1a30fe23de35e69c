import { otlp } from "@meterbridge/exporter-otlp";
import { diag as apiDiag } from "@opentelemetry/api";
import { type IMetricReader, MeterProvider } from "@opentelemetry/sdk-metrics";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { freePort, until } from "../../../test/support/servers.ts";
import { type Backend, behaviours, startBackend } from "./backend.ts";

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of cleanup.splice(0).toReversed()) await end();
});

describe("deltas", () => {
  it("are all there after an outage of many exports", async () => {
    const port = await freePort();
    const { meter, reader } = start(`http://127.0.0.1:${port}/v1/metrics`, { temporality: "delta" });
    const orders = meter.createCounter("orders");
    for (let flush = 0; flush < 5; flush++) {
      orders.add(1);
      await reader.forceFlush();
    }
    const backend = await backendAt(port);
    orders.add(1);
    await reader.forceFlush();
    backend.behave(behaviours["answers 503"]);
    orders.add(10);
    await reader.forceFlush();
    backend.behave(behaviours.works);
    await reader.forceFlush();
    await reader.forceFlush();
    expect(pointsOf(backend.requests, "orders", (metric) => metric.sum?.aggregationTemporality)).toEqual([
      { value: 6, temporality: 1 },
      // Refused, and told again together with what came on top of it.
      { value: 10, temporality: 1 },
      { value: 10, temporality: 1 },
    ]);
  });

  it("that nobody acknowledged are told again as the same export, so that a backend can know them", async () => {
    const { meter, reader, backend } = await startWithBackend({ temporality: "delta", exportTimeoutMillis: 300 });
    const orders = meter.createCounter("orders");
    orders.add(3);
    backend.behave(behaviours["never answers"]);
    await reader.forceFlush();
    orders.add(4);
    backend.behave(behaviours.works);
    await reader.forceFlush();

    const [first, again, next] = backend.requests.map(({ body }) => body.toString());
    expect(again).toBe(first);
    expect(next).not.toBe(first);
    expect(pointsOf(backend.requests, "orders").map(({ value }) => value)).toEqual([3, 3, 4]);
  });
});

describe("a backend", () => {
  it("that calls an export too large gets it in halves, and the next one in pieces of that size at once", async () => {
    const { meter, reader, backend, told } = await startWithBackend({});
    const orders = meter.createCounter("orders");
    for (let tenant = 0; tenant < 10; tenant++) orders.add(tenant + 1, { tenant: String(tenant) });
    backend.behave((response, request) => {
      const isTooLarge = Number(request.headers["content-length"]) > 1000;
      response.writeHead(isTooLarge ? 413 : 200).end();
    });
    await reader.forceFlush();
    const first = backend.requests.length;
    await reader.forceFlush();

    const again = backend.requests.slice(first);
    expect(again.filter(({ body }) => body.length > 1000)).toEqual([]);
    expect(pointsOf(again, "orders").map(({ value }) => value)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(told).toEqual([]);
  });

  it("that asks for an hour's pause is left alone, but for the last export", async () => {
    const { meter, reader, backend } = await startWithBackend({ exportIntervalMillis: 50, exportTimeoutMillis: 50 });
    backend.behave(behaviours["answers 503 and asks to wait an hour"]);
    meter.createCounter("orders").add(1);
    await until(() => backend.requests.length === 1, "the first export");
    await sleep(400);
    expect(backend.requests).toHaveLength(1);
    backend.behave(behaviours.works);
    await reader.shutdown();
    expect(backend.requests).toHaveLength(2);
  });

  it("that is slow never gets older values after newer ones", async () => {
    const { meter, reader, backend } = await startWithBackend({ exportTimeoutMillis: 5000 }, 10_000);
    const orders = meter.createCounter("orders");
    backend.behave((response) => void setTimeout(() => response.writeHead(200).end(), 50));
    const flushes: Promise<void>[] = [];
    for (let order = 0; order < 20; order++) {
      orders.add(1);
      flushes.push(reader.forceFlush());
      await sleep(5);
    }
    await Promise.all(flushes);
    const values = pointsOf(backend.requests, "orders").map(({ value }) => value);
    expect(values).toEqual(values.toSorted((left, right) => left - right));
    expect(values.at(-1)).toBe(20);
  });
});

function start(url: string, options: object, shutdownTimeoutMillis = 1500) {
  const told: string[] = [];
  const tell = (message: string): void => void told.push(message);
  const diag: typeof apiDiag = Object.assign(Object.create(apiDiag), { error: tell, warn: tell });
  const exporter = otlp({ url, protocol: "http/json", shutdownTimeoutMillis, exportTimeoutMillis: 200, ...options });
  const reader: IMetricReader = exporter.createReader({ resourceAttributes: {}, diag, namespace: "" });
  const provider = new MeterProvider({ readers: [reader] });
  cleanup.push(() => reader.shutdown());
  return { reader, meter: provider.getMeter("shop"), told };
}

async function startWithBackend(options: object, shutdownTimeoutMillis?: number) {
  const backend = await backendAt(0);
  return { backend, ...start(backend.url, options, shutdownTimeoutMillis) };
}

async function backendAt(port: number): Promise<Backend> {
  const backend = await startBackend(behaviours.works, { port });
  cleanup.push(backend.close);
  return backend;
}

interface SentMetric {
  readonly name: string;
  readonly sum?: {
    readonly aggregationTemporality: number;
    readonly dataPoints: readonly { readonly asDouble: number }[];
  };
}

function pointsOf(
  requests: Backend["requests"],
  name: string,
  temporalityOf: (metric: SentMetric) => unknown = () => undefined,
) {
  return requests.flatMap(({ body }) => {
    const { resourceMetrics }: { resourceMetrics: { scopeMetrics: { metrics: SentMetric[] }[] }[] } = JSON.parse(
      String(body),
    );
    const sent = resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
    return sent.flatMap((metric) => {
      const temporality = temporalityOf(metric);
      return metric.name !== name
        ? []
        : (metric.sum?.dataPoints ?? []).map(({ asDouble }) => ({
            value: asDouble,
            ...(temporality !== undefined && { temporality }),
          }));
    });
  });
}
