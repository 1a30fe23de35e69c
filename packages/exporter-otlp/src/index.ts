export { otlp, otlp as createExporter } from "./otlp.ts";
export type { OtlpOptions } from "./options.ts";
