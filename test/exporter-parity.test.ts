import { testParity } from "@meterbridge/testkit";
import { datadogAgentHarness, dogstatsdHarness, otlpHarness, prometheusHarness } from "./support/exporter-harnesses.ts";

testParity([
  { name: "prometheus", harness: prometheusHarness },
  { name: "otlp, protobuf", harness: otlpHarness({}) },
  { name: "otlp, JSON", harness: otlpHarness({ protocol: "http/json" }) },
  { name: "otlp, deltas", harness: otlpHarness({ temporality: "delta" }) },
  { name: "datadog, by the Agent", harness: datadogAgentHarness },
  { name: "datadog, by DogStatsD", harness: dogstatsdHarness },
]);
