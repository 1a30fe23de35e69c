export { datadog, datadog as createExporter } from "./datadog.ts";
export type { DatadogOptions } from "./options.ts";
