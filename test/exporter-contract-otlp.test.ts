import { testExporter } from "@meterbridge/testkit";
import { otlpHarness } from "./support/exporter-harnesses.ts";

testExporter("otlp, protobuf", otlpHarness({}));
testExporter("otlp, JSON", otlpHarness({ protocol: "http/json" }));
testExporter("otlp, deltas", otlpHarness({ temporality: "delta" }));
