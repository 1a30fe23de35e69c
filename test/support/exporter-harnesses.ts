import { datadog } from "@meterbridge/exporter-datadog";
import { otlp, type OtlpOptions } from "@meterbridge/exporter-otlp";
import { prometheus } from "@meterbridge/exporter-prometheus";
import { type ExporterHarness, httpBackend, type HttpBackend } from "@meterbridge/testkit";
import { dogstatsdAgent, type DogstatsdAgent } from "./dogstatsd-agent.ts";
import { otlpPoints, partialAnswers } from "./otlp-points.ts";
import { bearerToken, scraper, type Scraper } from "./scraper.ts";

// No retry comes within the time of an export, so that backends which hang are the only ones to take long.
const times = { exportIntervalMillis: 60_000, exportTimeoutMillis: 600, shutdownTimeoutMillis: 1200 };

/** OTLP to a backend that goes wrong in every way. */
export function otlpHarness(options: OtlpOptions): ExporterHarness<HttpBackend> {
  const secret = "otlp-key-0123456789";
  const format = options.protocol === "http/json" ? "json" : "protobuf";
  return {
    startBackend: () => httpBackend({ read: otlpPoints, partialAnswer: partialAnswers[format] }),
    create: ({ url }) =>
      otlp({ url: `${url}/v1/metrics`, headers: { authorization: `Bearer ${secret}` }, ...times, ...options }),
    secret,
  };
}

export const datadogAgentHarness: ExporterHarness<HttpBackend> = {
  startBackend: () => httpBackend({ read: otlpPoints, partialAnswer: partialAnswers.protobuf }),
  create: ({ url }) => datadog({ mode: "agent", url: `${url}/v1/metrics`, ...times }),
};

/** DogStatsD over UDP: a line of text for each number, and nobody who would answer. */
export const dogstatsdHarness: ExporterHarness<DogstatsdAgent> = {
  startBackend: dogstatsdAgent,
  create: ({ port }) => datadog({ mode: "dogstatsd", agentHost: "127.0.0.1", dogstatsdPort: port, ...times }),
  // The format has no place for them.
  without: ["unit"],
  faults: [],
};

/** Scraped, as Prometheus does it. */
export const prometheusHarness: ExporterHarness<Scraper> = {
  startBackend: scraper,
  create: (backend) => (backend.exporter = prometheus({ port: 0, bearerToken })),
  secret: bearerToken,
  // They stand in the names, by which the series are found.
  without: ["unit"],
  faults: [],
  isScraped: true,
};
