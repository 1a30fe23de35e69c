export { prometheus, prometheus as createExporter, type PrometheusExporter } from "./prometheus.ts";
export type { AggregateOptions, BasicAuth, GaugeRule, PrometheusOptions, TlsFiles } from "./prometheus-options.ts";
export { render, type RenderOptions } from "./render-text.ts";
export type { FetchHandler, NodeHandler } from "./request-handlers.ts";
export type { Health, MetricCounts } from "./health.ts";
export type { ExpositionFormat } from "./render-steps.ts";
export type { TranslationStrategy } from "./naming.ts";
export { pushToGateway, type PushgatewayExporter, type PushToGatewayOptions } from "./push-to-gateway.ts";
