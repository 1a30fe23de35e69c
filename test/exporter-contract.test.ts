import { testExporter } from "@meterbridge/testkit";
import { datadogAgentHarness, dogstatsdHarness, prometheusHarness } from "./support/exporter-harnesses.ts";

testExporter("prometheus", prometheusHarness);
testExporter("datadog, by the Agent", datadogAgentHarness);
testExporter("datadog, by DogStatsD", dogstatsdHarness);
