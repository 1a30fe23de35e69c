import type { OtlpTarget } from "./config-file-settings.ts";

/** What the official exporters of spans and log records take of a target in a configuration file; without one, they read the environment. */
export interface OtlpTargetOptions {
  readonly url?: string;
  readonly headers?: Record<string, string>;
  readonly compression?: Compression;
}

type Compression = NonNullable<
  NonNullable<
    ConstructorParameters<typeof import("@opentelemetry/exporter-trace-otlp-proto").OTLPTraceExporter>[0]
  >["compression"]
>;

export function otlpTargetOptions(target: OtlpTarget | undefined): OtlpTargetOptions {
  if (target === undefined) return {};
  const { url, headers, compression } = target;
  // The values of the official enum, whose package is none of our dependencies.
  // oxlint-disable-next-line typescript/no-unsafe-enum-assignment
  return { url, headers, compression: compression as Compression };
}
