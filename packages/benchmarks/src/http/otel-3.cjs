// The official SDK set up by hand: the metrics of the HTTP instrumentation, pushed as OTLP protobuf.
const { metrics } = require("@opentelemetry/api");
const { OTLPMetricExporter } = require("@opentelemetry/exporter-metrics-otlp-proto");
const { HttpInstrumentation } = require("@opentelemetry/instrumentation-http");
const { MeterProvider, PeriodicExportingMetricReader } = require("@opentelemetry/sdk-metrics");

metrics.setGlobalMeterProvider(
  new MeterProvider({
    // The first export lies behind the end of the measurement: there is no collector.
    readers: [
      new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter(), exportIntervalMillis: 3_600_000 }),
    ],
  }),
);
// Patches when it is made.
module.exports = new HttpInstrumentation();
