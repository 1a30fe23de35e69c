export { prometheus, prometheus as createExporter, type PrometheusExporter } from "./prometheus.ts";
export type { PrometheusOptions } from "./prometheus-options.ts";
export { render, type ExpositionFormat, type RenderOptions } from "./render-text.ts";
export type { FetchHandler, NodeHandler } from "./request-handlers.ts";
export type { Health, MetricCounts } from "./health.ts";
