// The official instrumentation: two histograms, into the official SDK.
const { metrics } = require("@opentelemetry/api");
const { OpenAIInstrumentation } = require("@opentelemetry/instrumentation-openai");
const {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} = require("@opentelemetry/sdk-metrics");

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
const provider = new MeterProvider({ readers: [reader] });
metrics.setGlobalMeterProvider(provider);
// Patches when it is made; its instruments it makes when it is given the provider.
const instrumentation = new OpenAIInstrumentation();
instrumentation.setMeterProvider(provider);

exports.counted = async () => {
  const { resourceMetrics } = await reader.collect();
  const all = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  const duration = all.find(({ descriptor }) => descriptor.name === "gen_ai.client.operation.duration");
  return (duration?.dataPoints ?? []).reduce((sum, { value }) => sum + value.count, 0);
};
