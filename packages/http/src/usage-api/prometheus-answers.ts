import type { PrometheusHealthAnswer } from "./answers.ts";
import { namespaceOfMeters } from "./live-points.ts";
import { refusal } from "./problem.ts";
import type { Asked, RawAnswer } from "./route.ts";
import type { MeterReading } from "../running-sdk.ts";

/** What a scrape of the running exporter gives, in the format that the scraper prefers. */
export async function prometheusAnswer({ request, sources }: Asked<unknown>): Promise<RawAnswer> {
  const exporter = sources.prometheus();
  if (exporter === undefined) {
    throw refusal(501, {
      message:
        "no Prometheus exporter runs in this process: set METERBRIDGE_EXPORTERS=prometheus, or give start() prometheus()",
    });
  }
  const accept = request.header("accept");
  const scraped = await exporter(new Request("http://localhost/", { headers: accept === undefined ? {} : { accept } }));
  if (!scraped.ok) {
    throw refusal(503, { message: "the Prometheus exporter cannot be scraped at present" }, { "retry-after": "5" });
  }
  const contentType = scraped.headers.get("content-type") ?? "text/plain; charset=utf-8";
  return {
    status: 200,
    headers: { "content-type": contentType, "cache-control": "no-store", vary: "accept" },
    body: new Uint8Array(await scraped.arrayBuffer()),
  };
}

/** What the exporter says of itself. Without one, what there would be to hand out. */
export async function prometheusHealth({ sources }: Asked<unknown>): Promise<PrometheusHealthAnswer> {
  const exporter = sources.prometheus();
  if (exporter === undefined) {
    return { status: "disabled", enabled: false, namespace: namespaceOfMeters(), ...(await countMeters(sources)) };
  }
  const told = await exporter(new Request("http://localhost/health"));
  const isJson = told.headers.get("content-type")?.startsWith("application/json") === true;
  if (told.ok && isJson) return (await told.json()) as PrometheusHealthAnswer;
  // Its health has another path than usual. Then it has just been scraped, which tells whether that works.
  const status = told.ok ? "healthy" : "degraded";
  return { status, enabled: true, namespace: namespaceOfMeters(), ...(await countMeters(sources)) };
}

/** Up-down counters are gauges to Prometheus. */
async function countMeters(
  sources: Asked<unknown>["sources"],
): Promise<Pick<PrometheusHealthAnswer, "counters" | "gauges" | "histograms" | "series">> {
  const readings = await sources.meters().catch((): readonly MeterReading[] => []);
  const count = (...kinds: readonly MeterReading["kind"][]): number =>
    readings.filter(({ kind }) => kinds.includes(kind)).length;
  return {
    counters: count("counter"),
    gauges: count("gauge", "upDownCounter"),
    histograms: count("histogram"),
    series: readings.reduce((sum, { points }) => sum + points.length, 0),
  };
}
