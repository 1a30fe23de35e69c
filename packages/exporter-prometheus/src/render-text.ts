import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { defaultNaming, type TranslationStrategy } from "./naming.ts";
import { type ExpositionFormat, type KeptPlans, renderSteps } from "./render-steps.ts";

export interface RenderOptions {
  /** Default `"text"`. Protobuf is no text: only the exporter itself serves it. */
  readonly format?: Exclude<ExpositionFormat, "protobuf">;
  /** How names are translated. Default `"UnderscoreEscapingWithSuffixes"`. */
  readonly translationStrategy?: TranslationStrategy;
  /** Add the labels `otel_scope_name` and `otel_scope_version` to every series. Default false. */
  readonly withScopeInfo?: boolean;
  /** Expose the resource's attributes as `target_info`. Default true. */
  readonly withTargetInfo?: boolean;
  /** Show in OpenMetrics when each counter and histogram began, as `_created`. Default false. */
  readonly withCreated?: boolean;
  /** Told what could not be shown as it was recorded, for example two metrics that end with one name. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Renders collected metrics as text for Prometheus. Pure: same input, same output, nothing kept. Expects cumulative sums.
 *
 * Takes any name, unit, description, attribute key and value: what Prometheus cannot carry is translated, series that end with
 * the same labels are merged, and sums are kept. `docs/exporters/prometheus.md` lists the rules.
 *
 * Sources: Prometheus text format 0.0.4 (1.0.0 where names keep other characters); OpenMetrics 1.0; OpenTelemetry specification,
 * Prometheus and OpenMetrics compatibility.
 */
export function render(resourceMetrics: ResourceMetrics, options: RenderOptions = {}): string {
  const { format = "text", translationStrategy: strategy = defaultNaming.strategy } = options;
  const steps = renderSteps(
    resourceMetrics,
    {
      format,
      naming: { strategy, escaping: strategy.startsWith("No") ? "allow-utf-8" : "underscores" },
      withScopeInfo: options.withScopeInfo ?? false,
      withTargetInfo: options.withTargetInfo ?? true,
      withCreated: options.withCreated ?? false,
      onWarning: options.onWarning ?? (() => {}),
    },
    nothingKept,
  );
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return Buffer.concat(step.value).toString();
}

const nothingKept: KeptPlans = { get: () => undefined, set: () => {} };
