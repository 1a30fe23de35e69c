import type { Meter } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { until } from "../../../test/support/servers.ts";
import { prometheus, type PrometheusExporter, type PrometheusOptions } from "../src/index.ts";
import { type RecordingDiag, recordingDiag } from "./recording-diag.ts";

export interface StartedExporter {
  readonly exporter: PrometheusExporter;
  readonly provider: MeterProvider;
  readonly meter: Meter;
  readonly diag: RecordingDiag;
  /** Where the exporter's own server is, for example `http://127.0.0.1:40001`; `""` without a server. */
  readonly url: string;
  readonly port: number;
}

/** Starts the exporter on a free port under the official meter provider. The caller shuts the provider down. */
export async function startExporter(options: PrometheusOptions = {}): Promise<StartedExporter> {
  const exporter = prometheus({ port: 0, ...options });
  const diag = recordingDiag();
  const reader = exporter.createReader({ resourceAttributes: {}, namespace: "shop", diag });
  const resource = resourceFromAttributes({ "service.name": "shop" });
  const provider = new MeterProvider({ resource, readers: [reader] });
  const meter = provider.getMeter("test");
  if (options.server === false) return { exporter, provider, meter, diag, url: "", port: 0 };
  const { port } = await until(() => exporter.address(), "the exporter to listen");
  return { exporter, provider, meter, diag, url: `http://127.0.0.1:${port}`, port };
}
