export { otlp, otlp as createExporter, type OtlpPreset, otlpPreset } from "./otlp.ts";
export type { OtlpOptions } from "./options.ts";
