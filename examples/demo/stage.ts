import { createServer } from "node:net";
import { countSent, type Sent } from "./audit.ts";
import { ledgerPlace, type LedgerPlace } from "./ledger.ts";
import { type ModelServer, startModelServer } from "./model-server.ts";
import { type OtlpReceiver, startOtlpReceiver } from "./otlp-receiver.ts";
import { scrape } from "./scrape.ts";
import { type ServiceProcess, startService } from "./service-process.ts";
import { summarise, type Summary } from "./summary.ts";
import { startTraffic, type Traffic } from "./traffic.ts";

/** Everything that runs in the demo: the service, the world outside it, and who asks. */
export interface Stage {
  /** As in `METERBRIDGE_EXPORTERS`, for example `["prometheus", "otlp"]`. */
  readonly exporters: readonly string[];
  readonly addresses: Addresses;
  readonly service: ServiceProcess;
  readonly traffic: Traffic;
  /** What happened so far, counted outside the service. */
  sent(): Sent;
  /** The meters as each backend has them now; a backend that cannot be read from here is left out. */
  readPrometheus(): Promise<Summary | undefined>;
  readOtlp(): Summary | undefined;
  otlpExports(): number | undefined;
  /** Undefined when the service keeps its usage elsewhere, or nowhere. */
  readonly ledger: LedgerPlace | undefined;
  /** Ends the traffic at once, then all else. */
  stop(): Promise<void>;
}

export interface Addresses {
  readonly service: string;
  /** Process id of the service. */
  readonly pid: number;
  readonly metrics?: string;
  readonly otlp?: string;
}

export interface StageOptions {
  readonly ticketsPerSecond: number;
  readonly seed: number;
  /** What the service finds in its environment; the demo adds what is not set. */
  readonly environment: NodeJS.ProcessEnv;
}

/** Starts everything, the traffic last. Rejects, with nothing left running, when the service does not start. */
export async function openStage({ ticketsPerSecond, seed, environment }: StageOptions): Promise<Stage> {
  const exporters = (environment["METERBRIDGE_EXPORTERS"] || environment["OTEL_METRICS_EXPORTER"] || "prometheus,otlp")
    .split(",")
    .map((name) => name.trim());
  const models = await startModelServer(seed);
  const receiver = await receiverFor(exporters, environment);
  const ledger = await ledgerPlace(environment);
  try {
    const port = exporters.includes("prometheus") ? await prometheusPort(environment) : undefined;
    const service = await startService({
      OTEL_SERVICE_NAME: "support-desk",
      OTEL_METRIC_EXPORT_INTERVAL: "2000",
      // No price book knows it, and its first calls may fail before a provider has answered to its name.
      METERBRIDGE_CAPTURE_MODELS: "northwind-tuned-1",
      ...environment,
      METERBRIDGE_EXPORTERS: exporters.join(","),
      ...(port !== undefined && port.chosen && { METERBRIDGE_PROMETHEUS_PORT: String(port.number) }),
      ...(receiver !== undefined && {
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${receiver.url}/v1/metrics`,
        OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/json",
      }),
      ...(ledger !== undefined && { METERBRIDGE_LEDGER: "sqlite", METERBRIDGE_LEDGER_DIRECTORY: ledger.directory }),
      ...addressesOfModels(models),
    });
    const metrics = port === undefined ? undefined : `http://127.0.0.1:${port.number}`;
    const otlp = receiver?.url ?? collectorIn(environment);
    const traffic = startTraffic({ url: service.url, ticketsPerSecond, seed });
    return {
      exporters,
      service,
      traffic,
      addresses: {
        service: service.url,
        pid: service.pid,
        ...(metrics !== undefined && { metrics: `${metrics}/metrics` }),
        ...(exporters.includes("otlp") && otlp !== undefined && { otlp }),
      },
      sent: () => countSent(traffic.counts, models),
      readPrometheus: async () => (metrics === undefined ? undefined : summarise(await scrape(`${metrics}/metrics`))),
      readOtlp: () => (receiver === undefined ? undefined : summarise(receiver.samples())),
      otlpExports: () => receiver?.exports(),
      ledger,
      async stop() {
        await service.stop();
        await traffic.stop();
        await receiver?.stop();
        await models.stop();
        await ledger?.remove();
      },
    };
  } catch (error) {
    await receiver?.stop();
    await models.stop();
    await ledger?.remove();
    throw error;
  }
}

/** A receiver of our own, unless the environment names a collector or nothing is pushed. */
async function receiverFor(
  exporters: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<OtlpReceiver | undefined> {
  if (!exporters.includes("otlp") || collectorIn(environment) !== undefined) return undefined;
  return startOtlpReceiver();
}

function collectorIn(environment: NodeJS.ProcessEnv): string | undefined {
  return environment["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] || environment["OTEL_EXPORTER_OTLP_ENDPOINT"] || undefined;
}

/** The real clients read these, so the service does not know that its models are played. */
function addressesOfModels(models: ModelServer): NodeJS.ProcessEnv {
  return {
    OPENAI_BASE_URL: `${models.url}/v1`,
    OPENAI_API_KEY: "no-key-needed",
    ANTHROPIC_BASE_URL: models.url,
    ANTHROPIC_API_KEY: "no-key-needed",
    WEBHOOK_URL: models.webhookUrl,
  };
}

/** The port that the environment names, else 9464, else the next free one. */
async function prometheusPort(environment: NodeJS.ProcessEnv): Promise<{ number: number; chosen: boolean }> {
  const named = environment["METERBRIDGE_PROMETHEUS_PORT"] || environment["OTEL_EXPORTER_PROMETHEUS_PORT"];
  // Port 0 means any, but the screen has to know which.
  if (named && named !== "0") return { number: Number(named), chosen: false };
  for (let port = 9464; port < 9564; port += 1) if (await isFree(port)) return { number: port, chosen: true };
  throw new Error("no port from 9464 to 9563 is free: name one in METERBRIDGE_PROMETHEUS_PORT");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
