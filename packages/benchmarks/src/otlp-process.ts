// Measures one peer's exports in a process of its own. Prints one line of JSON.
import { otlp } from "@meterbridge/exporter-otlp";
import { MeterProvider } from "@meterbridge/sdk-metrics";
import { type MeterProvider as ApiMeterProvider, diag } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import * as OfficialSdk from "@opentelemetry/sdk-metrics";
import { makeLoop, type Circumstances } from "./record-loops.ts";
import { boundaries } from "./record-peers.ts";
import { median } from "./report.ts";

export interface OtlpCell {
  readonly kind: "counter" | "histogram";
  readonly series: number;
  readonly temporality: "cumulative" | "delta";
  readonly url: string;
}

const hour = 3_600_000;
const [name = "", given = ""] = process.argv.slice(2);
console.log(JSON.stringify({ value: await measure(JSON.parse(given) as OtlpCell) }));
process.exit();

async function measure({ kind, series, temporality, url }: OtlpCell): Promise<number> {
  const circumstances: Circumstances = { kind, attributes: 4, series, calls: "reused" };
  const open = name === "meterbridge" ? ours : theirs;
  const { provider, reader } = open(url, temporality, series + 10);
  const meter = provider.getMeter("benchmark");
  const instrument =
    kind === "counter"
      ? meter.createCounter("calls", { unit: "{call}" })
      : meter.createHistogram("duration", { unit: "s", advice: { explicitBucketBoundaries: [...boundaries] } });
  const call = kind === "counter" ? "i.add(1, ATTRIBUTES)" : "i.record(0.5, ATTRIBUTES)";
  const loop = makeLoop(call, instrument, circumstances);
  const times: number[] = [];
  for (let round = 0; round < 40; round++) {
    loop(series);
    const before = process.cpuUsage();
    await reader.forceFlush();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  // A service exports for days: the first rounds, in which the engine is still at work on the code, say little.
  return median(times.slice(15));
}

interface Opened {
  readonly provider: ApiMeterProvider;
  readonly reader: OfficialSdk.IMetricReader;
}

function ours(url: string, temporality: OtlpCell["temporality"], cardinalityLimit: number): Opened {
  const exporter = otlp({ url, temporality, exportIntervalMillis: hour });
  const reader = exporter.createReader({ resourceAttributes: {}, diag, namespace: "" });
  return { reader, provider: new MeterProvider({ readers: [reader], views: [viewOf(cardinalityLimit)] }) };
}

function theirs(url: string, temporality: OtlpCell["temporality"], cardinalityLimit: number): Opened {
  const exporter = new OTLPMetricExporter({ url });
  const { DELTA, CUMULATIVE } = OfficialSdk.AggregationTemporality;
  exporter.selectAggregationTemporality = () => (temporality === "delta" ? DELTA : CUMULATIVE);
  const reader = new OfficialSdk.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: hour });
  return { reader, provider: new OfficialSdk.MeterProvider({ readers: [reader], views: [viewOf(cardinalityLimit)] }) };
}

function viewOf(aggregationCardinalityLimit: number) {
  return { instrumentName: "*", aggregationCardinalityLimit };
}
