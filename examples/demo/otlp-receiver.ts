import { createServer, type IncomingMessage } from "node:http";
import { gunzipSync } from "node:zlib";
import { json } from "node:stream/consumers";
import * as v from "valibot";
import type { Sample } from "./scrape.ts";

/** A stand-in for an OpenTelemetry Collector: takes OTLP/HTTP in its JSON form and keeps the newest totals. */
export interface OtlpReceiver {
  /** What belongs in `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  /** How many exports have come in. */
  exports(): number;
  /** The totals of the newest export, named as on a Prometheus page, so that both backends can be held side by side. */
  samples(): readonly Sample[];
  stop(): Promise<void>;
}

const number = v.pipe(v.union([v.number(), v.string()]), v.transform(Number));
const value = v.object({
  stringValue: v.optional(v.string()),
  intValue: v.optional(number),
  doubleValue: v.optional(v.number()),
  boolValue: v.optional(v.boolean()),
});
const attributes = v.optional(v.array(v.object({ key: v.string(), value })), []);
const numberPoint = v.object({ attributes, asInt: v.optional(number), asDouble: v.optional(number) });
const histogramPoint = v.object({
  attributes,
  count: number,
  sum: v.optional(number, 0),
  bucketCounts: v.array(number),
  explicitBounds: v.array(v.number()),
});
const metric = v.object({
  name: v.string(),
  unit: v.optional(v.string(), ""),
  sum: v.optional(v.object({ isMonotonic: v.optional(v.boolean(), false), dataPoints: v.array(numberPoint) })),
  gauge: v.optional(v.object({ dataPoints: v.array(numberPoint) })),
  histogram: v.optional(v.object({ dataPoints: v.array(histogramPoint) })),
});
const exportRequest = v.object({
  resourceMetrics: v.array(v.object({ scopeMetrics: v.array(v.object({ metrics: v.array(metric) })) })),
});

type Metric = v.InferOutput<typeof metric>;

/** Starts the receiver on a free loopback port. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  let exportCount = 0;
  let newest: readonly Sample[] = [];

  const receive = async (request: IncomingMessage): Promise<void> => {
    if (request.url !== "/v1/metrics") return void request.resume();
    const { resourceMetrics } = v.parse(exportRequest, await readJson(request));
    const metrics = resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    exportCount += 1;
    // Totals are cumulative, so the newest export says it all.
    newest = metrics.flatMap(samplesOf);
  };
  const server = createServer((request, response) => {
    receive(request).then(
      () => response.setHeader("content-type", "application/json").end("{}"),
      (error: unknown) => response.writeHead(400).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the receiver got no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    exports: () => exportCount,
    samples: () => newest,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  if (request.headers["content-encoding"] !== "gzip") return json(request);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(gunzipSync(Buffer.concat(chunks)).toString());
}

/** The samples that a Prometheus page would show for this metric. */
function samplesOf({ name, unit, sum, gauge, histogram }: Metric): Sample[] {
  const base = withUnit(name.replace(/[^\w:]/g, "_"), unit, gauge !== undefined);
  const samples: Sample[] = [];
  for (const point of [...(sum?.dataPoints ?? []), ...(gauge?.dataPoints ?? [])]) {
    const suffix = sum?.isMonotonic === true ? "_total" : "";
    samples.push({ name: base + suffix, labels: labelsOf(point), value: point.asInt ?? point.asDouble ?? 0 });
  }
  for (const point of histogram?.dataPoints ?? []) {
    const labels = labelsOf(point);
    samples.push(
      { name: `${base}_count`, labels, value: point.count },
      { name: `${base}_sum`, labels, value: point.sum },
    );
    let below = 0;
    for (const [index, count] of point.bucketCounts.entries()) {
      below += count;
      const le = String(point.explicitBounds[index] ?? "+Inf");
      samples.push({ name: `${base}_bucket`, labels: { ...labels, le }, value: below });
    }
  }
  return samples;
}

/** OpenTelemetry's rule for Prometheus names: the unit is spelled out at the end, annotations in braces are dropped. */
function withUnit(name: string, unit: string, isGauge: boolean): string {
  if (unit === "" || unit.startsWith("{")) return name;
  if (unit === "1") return isGauge ? `${name}_ratio` : name;
  return `${name}_${{ s: "seconds", By: "bytes" }[unit] ?? unit.toLowerCase()}`;
}

function labelsOf(point: { attributes: v.InferOutput<typeof attributes> }): Record<string, string> {
  return Object.fromEntries(
    point.attributes.map(({ key, value: given }) => [
      key.replace(/\W/g, "_"),
      String(given.stringValue ?? given.intValue ?? given.doubleValue ?? given.boolValue ?? ""),
    ]),
  );
}
