import { type Attributes, context, metrics } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { DataPointType, MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo, Server as NetServer } from "node:net";
import { connect } from "node:net";
import { onTestFinished } from "vitest";
import { startRequestMeters } from "../src/requests.ts";
import { until } from "../../../test/support/servers.ts";

export const duration = "http.server.request.duration";
export const active = "http.server.active_requests";
export const clientDuration = "http.client.request.duration";

export interface Meters {
  /** Each series of a meter: its attributes, and its value or how often it was recorded into. */
  series(meter: string): Promise<readonly { readonly attributes: Attributes; readonly value: number }[]>;
  /** What the series that carry these attributes add up to. */
  total(meter: string, attributes?: Attributes): Promise<number>;
  /** The one series that carries these attributes, once it has this value. Fails after some seconds. */
  reaches(meter: string, value: number, attributes?: Attributes): Promise<void>;
}

/** Meters requests into the official SDK, until the test ends. */
export function meterRequests(): Meters {
  const stop = startRequestMeters();
  onTestFinished(stop);
  return collectMeters();
}

export function collectMeters(): Meters {
  const reader = new PullReader();
  metrics.disable();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  onTestFinished(() => {
    metrics.disable();
    context.disable();
  });

  const series: Meters["series"] = async (meter) => {
    const { resourceMetrics } = await reader.collect();
    const all = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    const found = all.find(({ descriptor }) => descriptor.name === meter);
    if (found === undefined) return [];
    if (found.dataPointType === DataPointType.HISTOGRAM) {
      return found.dataPoints.map(({ attributes, value }) => ({ attributes, value: value.count }));
    }
    return found.dataPoints.map(({ attributes, value }) => ({ attributes, value: Number(value) }));
  };
  const total: Meters["total"] = async (meter, attributes = {}) =>
    (await series(meter))
      .filter((point) => Object.entries(attributes).every(([key, value]) => point.attributes[key] === value))
      .reduce((sum, { value }) => sum + value, 0);
  return {
    series,
    total,
    async reaches(meter, value, attributes) {
      let last = NaN;
      try {
        await until(async () => (last = await total(meter, attributes)) === value, "the meter", 5);
      } catch {
        throw new Error(`${meter} ${JSON.stringify(attributes ?? {})} is ${last}, not ${value}`);
      }
    },
  };
}

/** Listens on a loopback port until the test ends. Gives the URL, without a slash at the end. */
export async function listening(server: Server | NetServer, protocol = "http"): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    if ("closeAllConnections" in server) server.closeAllConnections();
  });
  return `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Sends the text over a connection of its own, which is left open for as long as `meanwhile` takes, then dropped. */
export async function overConnection(
  url: string,
  text: string,
  meanwhile: (received: () => string) => Promise<unknown>,
): Promise<void> {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname);
  let received = "";
  socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(text);
  await meanwhile(() => received);
  socket.destroy();
}

/** Fetches, and reads the answer to its end. */
export async function get(url: string, options?: RequestInit): Promise<number> {
  const response = await fetch(url, options);
  await response.arrayBuffer();
  return response.status;
}

class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
