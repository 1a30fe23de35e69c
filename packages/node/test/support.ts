import type { DiagLogger } from "@opentelemetry/api";
import type { Exporter } from "@meterbridge/exporter";
import { MetricReader, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { vi } from "vitest";

/** An exporter that keeps what it is given, and says when it is asked for something. */
export interface KeepingExporter extends Exporter {
  /** Everything that happened to its reader, in order. */
  readonly calls: string[];
  collect(): Promise<ResourceMetrics>;
}

/** A real reader of the SDK whose backend is this process. `before` runs in each flush and shutdown. */
export function keepingExporter(name = "keeping", before: () => Promise<void> = async () => {}): KeepingExporter {
  const calls: string[] = [];
  let last: KeepingReader | undefined;
  class KeepingReader extends MetricReader {
    protected override async onForceFlush(): Promise<void> {
      calls.push("forceFlush");
      await before();
    }
    protected override async onShutdown(): Promise<void> {
      calls.push("shutdown");
      await before();
    }
  }
  return {
    specificationVersion: 1,
    name,
    calls,
    createReader: () => (last = new KeepingReader()),
    async collect() {
      if (last === undefined) throw new Error("no reader was created");
      return (await last.collect()).resourceMetrics;
    },
  };
}

/** The names of the metrics with something in them. */
export function metricNames(metrics: ResourceMetrics): string[] {
  return metrics.scopeMetrics.flatMap((scope) => scope.metrics.map((metric) => metric.descriptor.name)).toSorted();
}

/** Hides the variables of whoever runs the tests, until `vi.unstubAllEnvs()`. */
export function hideEnvironment(): void {
  for (const name of Object.keys(process.env)) {
    if (/^(METERBRIDGE|OTEL)_/.test(name)) vi.stubEnv(name, undefined);
  }
  // On by default where it is installed, as it is in this repository; tests of it say so.
  vi.stubEnv("METERBRIDGE_LEDGER", "off");
}

/** A diag logger that keeps each line. */
export function keepingLogger(): DiagLogger & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep =
    (level: string) =>
    (...parts: unknown[]): void =>
      void lines.push(`${level}: ${parts.join(" ")}`);
  return {
    lines,
    error: keep("error"),
    warn: keep("warn"),
    info: keep("info"),
    debug: () => {},
    verbose: () => {},
  };
}
