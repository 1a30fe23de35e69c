import { type DiagLogger, type MeterProvider as ApiMeterProvider, metrics } from "@opentelemetry/api";
import type { Exporter } from "@meterbridge/exporter";
import type { Resource } from "@opentelemetry/resources";
import type { FileExporter } from "./config-file-settings.ts";
import { exporterNameOf, loadExporters } from "./load-exporters.ts";
import { createMeterProvider } from "./meter-provider.ts";
import type { MeterReading } from "./meter-readings.ts";
import type { Pipeline } from "./pipeline.ts";
import { incompatibleApiVersion, registeredApi } from "./registered-api.ts";
import type { Settings } from "./settings.ts";

/** Where meters are recorded into, and how they leave. */
export interface Meters {
  readonly provider: ApiMeterProvider;
  readonly exporters: readonly Exporter[];
  readonly pipelines: readonly Pipeline[];
  /** For the status line. */
  readonly summary: string;
  /** Every meter's sums. Rejects when another meter provider than ours holds them. */
  readings(): Promise<readonly MeterReading[]>;
  unregister(): void;
}

/**
 * Registers a meter provider with the exporters of the settings; or the one given; or none, where there already is one.
 *
 * @throws Error of one line when an exporter cannot be loaded or refuses its configuration.
 */
export function startMeters(settings: Settings, resource: Resource, logger: DiagLogger): Meters {
  if (settings.meterProvider !== undefined) return useGiven(settings.meterProvider);
  const conflict = incompatibleApiVersion();
  if (conflict !== undefined) return explainConflict(conflict, logger);
  if (registeredApi()?.metrics !== undefined) return useRegistered(settings);
  const exporters = loadExporters(settings.exporters, {
    askedBy: settings.exportersFrom,
    consoleIntervalMillis: settings.consoleIntervalMillis,
  });
  const inFile = settings.exporters.map(ofFile);
  if (exporters.length === 0) return nothing("no exporters, meters are not recorded");
  const { provider, pipelines, reading } = createMeterProvider(exporters, resource, settings, logger, inFile);
  const unregister = register(provider);
  return {
    provider,
    exporters,
    pipelines,
    summary: exporters.map(({ name, target }) => (target === undefined ? name : `${name} ${target}`)).join(", "),
    readings: reading.readings,
    unregister() {
      unregister();
      void reading.shutdown();
    },
  };
}

function ofFile(entry: Settings["exporters"][number]): FileExporter | undefined {
  return typeof entry === "object" && "exporterName" in entry ? entry : undefined;
}

function register(provider: ApiMeterProvider): () => void {
  metrics.setGlobalMeterProvider(provider);
  return () => {
    if (metrics.getMeterProvider() === provider) metrics.disable();
  };
}

function useGiven(provider: ApiMeterProvider & { forceFlush?(): Promise<void> }): Meters {
  const isRegistered = metrics.getMeterProvider() === provider;
  if (!isRegistered && registeredApi()?.metrics !== undefined) {
    throw new Error(
      `[meterbridge] option "meterProvider" cannot be used: another meter provider is already registered globally`,
    );
  }
  // Whoever made it shuts it down; what it holds is sent all the same.
  const flush = async (): Promise<void> => provider.forceFlush?.();
  return {
    provider,
    exporters: [],
    pipelines: [{ name: "meterProvider", forceFlush: flush, shutdown: flush }],
    summary: "records into the meter provider given",
    readings: notOurs,
    unregister: isRegistered ? () => {} : register(provider),
  };
}

function useRegistered(settings: Settings): Meters {
  const provider = metrics.getMeterProvider();
  const without = settings.exporters.map(exporterNameOf).join(", ");
  const notStarted = without && without !== "none" ? `, without ${without}` : "";
  return nothing(`records into the meter provider that is already registered (${classNameOf(provider)})${notStarted}`);
}

/** Bundlers number classes whose name is taken: `MeterProvider$1`. */
function classNameOf(provider: ApiMeterProvider): string {
  return provider.constructor.name.replace(/\$\d+$/, "");
}

function explainConflict(version: string, logger: DiagLogger): Meters {
  logger.error(
    `@opentelemetry/api ${version} was registered first and cannot be used from the version that Meterbridge has: ` +
      `nothing is recorded until both are the same (npm ls @opentelemetry/api)`,
  );
  return nothing(`meters are not recorded (conflict with @opentelemetry/api ${version})`);
}

function nothing(summary: string): Meters {
  return {
    provider: metrics.getMeterProvider(),
    exporters: [],
    pipelines: [],
    summary,
    readings: notOurs,
    unregister: () => {},
  };
}

function notOurs(): Promise<never> {
  return Promise.reject(
    new Error(
      "[meterbridge] the meters cannot be read: they are recorded into another meter provider than start() makes, or into none",
    ),
  );
}
