import type { Exporter } from "@meterbridge/exporter";
import { type Attributes, metrics } from "@opentelemetry/api";
import { type IMetricReader, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { createAcknowledgedDeltas } from "./acknowledged-deltas.ts";
import { deadlineReader } from "./deadline-reader.ts";
import { createFailureCounts } from "./count-failures.ts";
import { createHttpTransport } from "./http-transport.ts";
import type { OtlpOptions } from "./options.ts";
import { createPushExporter } from "./push-exporter.ts";
import { createSerialiser } from "./serialiser.ts";
import { type OtlpSettings, resolveSettings } from "./settings.ts";
import { resourceWith } from "./resource-with.ts";
import { createTeller, type Teller } from "./tell-once.ts";
import { temporalityOf } from "./temporality.ts";
import { readTlsFiles } from "./tls-files.ts";

/**
 * Pushes metrics over OTLP/HTTP to an OpenTelemetry Collector or any backend that takes OTLP, every minute by default.
 *
 * Without options it configures itself from the `OTEL_EXPORTER_OTLP_*` and `OTEL_METRIC_EXPORT_*` variables of the
 * OpenTelemetry specification, which are read now. See {@link OtlpOptions}.
 *
 * @throws Error when an option or variable is wrong, in one line that says which, what was found and what is allowed.
 */
export function otlp(options: OtlpOptions = {}): Exporter {
  return otlpPreset({ name: "otlp", environment: process.env }, options);
}

/** What makes OTLP one backend's own. */
export interface OtlpPreset {
  /** The exporter's name, also in messages and in its meters. */
  readonly name: string;
  /** Where the `OTEL_*` variables are read. Those of another backend are none of its business. */
  readonly environment: NodeJS.ProcessEnv;
  /** Attributes put over those of the resource. */
  readonly resourceAttributes?: Attributes;
  /** What to do about an answer, by status, added to what is told: `{ "403": "check the API key" }`. */
  readonly hints?: Readonly<Record<string, string>>;
}

/**
 * An exporter that speaks OTLP to one backend, under that backend's name: for packages such as `@meterbridge/exporter-datadog`.
 *
 * @throws Error as {@link otlp} does.
 */
export function otlpPreset(preset: OtlpPreset, options: OtlpOptions): Exporter {
  const settings = underName(preset.name, () => resolveSettings(options, preset.environment));
  let tell: Teller | undefined;
  return {
    specificationVersion: 1,
    name: preset.name,
    // Without user, password and query, where credentials may stand.
    target: `${settings.url.origin}${settings.url.pathname}`,
    isFailing: () => tell?.isFailing() ?? false,
    createReader(context) {
      const { name, hints = {} } = preset;
      tell = createTeller({
        name,
        hints,
        diag: context.diag,
        url: settings.url,
        secrets: Object.values(settings.headers),
      });
      return underName(name, () => createReader(preset, settings, tell!));
    },
  };
}

/** Errors name the exporter that the user has chosen. */
function underName<Result>(name: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replace("[otlp]", `[${name}]`);
    throw error;
  }
}

/** Opens no connection: that is left to the first export. Reads the TLS files and throws when one cannot be used. */
function createReader(preset: OtlpPreset, settings: OtlpSettings, tell: Teller): IMetricReader {
  const { url, headers, compression, exportTimeoutMillis, shutdownTimeoutMillis } = settings;
  const serialiser = createSerialiser(settings.protocol);
  const count = createFailureCounts(preset.name, () => metrics.getMeter("@meterbridge/exporter-otlp"));
  const exporter = createPushExporter({
    serialiser,
    transport: createHttpTransport({
      url,
      headers: { "user-agent": `meterbridge-${preset.name}`, ...headers, "content-type": serialiser.contentType },
      compression,
      tls: readTlsFiles(settings.tlsFiles),
    }),
    tell,
    count,
    resourceOf: resourceWith(preset.resourceAttributes),
    exportTimeoutMillis,
    deltas:
      settings.temporality === "delta"
        ? createAcknowledgedDeltas((points) => count.dropped(points, "outage"))
        : undefined,
    // Deltas are made here, of what the SDK sums up.
    selectAggregationTemporality: temporalityOf(settings.temporality === "delta" ? "cumulative" : settings.temporality),
  });
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: settings.exportIntervalMillis,
    // For the reader this is the time of the collection alone. It waits with a timer that holds the process, so a hanging
    // observable callback must leave half of the shutdown deadline for sending.
    exportTimeoutMillis: Math.min(exportTimeoutMillis, Math.ceil(shutdownTimeoutMillis / 2)),
  });
  return deadlineReader(reader, {
    timeoutMillis: shutdownTimeoutMillis,
    onShutdown: (milliseconds) => exporter.hurry(milliseconds / 2),
    onLateFlush: exporter.tellLate,
    async close() {
      exporter.close();
      await exporter.forceFlush();
      tell.ended();
    },
  });
}
