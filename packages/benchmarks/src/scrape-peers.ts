import type { IncomingMessage, ServerResponse } from "node:http";
import type { CallText } from "./record-loops.ts";
import { boundaries } from "./record-peers.ts";
import type { ScrapeCell } from "./scrape-process.ts";

/** An instrument that is recorded into and scraped. */
export interface Scraped {
  readonly instrument: unknown;
  readonly call: CallText;
  /** Answers one scrape and gives the size of its answer, in bytes as they would go to the socket. */
  scrape(): Promise<number>;
  /** What is kept of the last answer for the next, where it is known. */
  keptBytes?(): Promise<number>;
}

/** Undefined where the peer has nothing like the cell. */
export async function openScraped(peer: string, cell: ScrapeCell): Promise<Scraped | undefined> {
  switch (peer) {
    case "meterbridge":
      return await openMeterbridge(cell);
    case "otel-3":
      return isTextOnly(cell) ? await openOfficial(cell) : undefined;
    case "prom-client":
      return isTextOnly(cell) ? await openProm(await import("prom-client"), cell) : undefined;
    case "platformatic": {
      if (!isTextOnly(cell)) return undefined;
      return await openProm((await import("@platformatic/prom-client")) as unknown as PromClient, cell);
    }
    default:
      return undefined;
  }
}

type PromClient = typeof import("prom-client");

const accepted = {
  text: "text/plain;version=0.0.4",
  openmetrics: "application/openmetrics-text;version=1.0.0",
  protobuf: "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
};

/** What the peers can do: text, uncompressed. */
function isTextOnly({ format = "text", gzip = false, labelCacheBytes }: ScrapeCell): boolean {
  return format === "text" && !gzip && labelCacheBytes === undefined;
}

async function openMeterbridge({ kind, format = "text", gzip = false, labelCacheBytes }: ScrapeCell): Promise<Scraped> {
  const { MeterProvider } = await import("@meterbridge/sdk-metrics");
  const { prometheus } = await import("@meterbridge/exporter-prometheus");
  const { diag } = await import("@opentelemetry/api");
  const exporter = prometheus({
    server: false,
    cardinalityLimit: 1_000_000,
    ...(labelCacheBytes === undefined ? {} : { labelCacheBytes }),
  });
  const reader = exporter.createReader({ resourceAttributes: {}, namespace: "", diag });
  const meter = new MeterProvider({ readers: [reader] }).getMeter("benchmark");
  const handler = exporter.handler();
  const headers = { accept: accepted[format], ...(gzip ? { "accept-encoding": "gzip" } : {}) };
  const answer = async (url: string): Promise<readonly Buffer[]> =>
    await answered((response) => handler({ method: "GET", url, headers } as unknown as IncomingMessage, response));
  return {
    ...instrumentOf(meter, kind),
    scrape: async () => sizeOf(await answer("/metrics")),
    async keptBytes() {
      const health = JSON.parse(Buffer.concat(await answer("/health")).toString()) as { keptLabelBytes: number };
      return health.keptLabelBytes;
    },
  };
}

async function openOfficial({ kind }: ScrapeCell): Promise<Scraped> {
  const { MeterProvider } = await import("@opentelemetry/sdk-metrics");
  const { PrometheusExporter } = await import("@opentelemetry/exporter-prometheus");
  const exporter = new PrometheusExporter({ preventServerStart: true });
  // Its limit of 2,000 series would make it measure something else.
  const views = [{ instrumentName: "*", aggregationCardinalityLimit: 1_000_000 }];
  const meter = new MeterProvider({ readers: [exporter], views }).getMeter("benchmark");
  return {
    ...instrumentOf(meter, kind),
    scrape: async () =>
      sizeOf(await answered((response) => exporter.getMetricsRequestHandler({} as IncomingMessage, response))),
  };
}

function openProm(client: PromClient, { kind }: ScrapeCell): Promise<Scraped> {
  const registry = new client.Registry();
  const settings = {
    name: "recorded_total",
    help: "recorded",
    labelNames: ["tenant", "provider", "model", "status"],
    registers: [registry],
  };
  const scrape = async (): Promise<number> => Buffer.from(await registry.metrics()).length;
  if (kind === "counter") {
    return Promise.resolve({ instrument: new client.Counter(settings), call: "i.inc(ATTRIBUTES, 1)", scrape });
  }
  const instrument = new client.Histogram({ ...settings, buckets: [...boundaries] });
  return Promise.resolve({ instrument, call: "i.observe(ATTRIBUTES, 0.7)", scrape });
}

function instrumentOf(
  meter: Pick<import("@opentelemetry/api").Meter, "createCounter" | "createHistogram">,
  kind: ScrapeCell["kind"],
): Pick<Scraped, "instrument" | "call"> {
  if (kind === "counter") return { instrument: meter.createCounter("recorded"), call: "i.add(1, ATTRIBUTES)" };
  const advice = { explicitBucketBoundaries: [...boundaries] };
  return { instrument: meter.createHistogram("recorded", { advice }), call: "i.record(0.7, ATTRIBUTES)" };
}

/** What a handler of node:http writes, without a socket: text is made bytes, as a socket would. */
async function answered(handle: (response: ServerResponse) => void): Promise<readonly Buffer[]> {
  const pieces: Buffer[] = [];
  await new Promise<void>((resolve) => {
    const closed: (() => void)[] = [];
    const add = (piece: string | Buffer | undefined): boolean => {
      if (piece !== undefined) pieces.push(typeof piece === "string" ? Buffer.from(piece) : piece);
      return true;
    };
    handle({
      on: () => {},
      once: (_event: "close", listener: () => void) => closed.push(listener),
      setHeader: () => {},
      headersSent: false,
      writeHead: () => {},
      write: add,
      end: (piece?: string | Buffer) => {
        add(piece);
        for (const listener of closed) listener();
        resolve();
      },
    } as unknown as ServerResponse);
  });
  return pieces;
}

function sizeOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((size, piece) => size + piece.length, 0);
}
