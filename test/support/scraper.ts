import type { Attributes } from "@opentelemetry/api";
import type { PrometheusExporter } from "@meterbridge/exporter-prometheus";
import type { ContractMeter, ExporterBackend, Reading } from "@meterbridge/testkit";
import { type ParsedFamily, parseExposition } from "../../packages/exporter-prometheus/test/exposition-parser.ts";
import { until } from "./servers.ts";

/** Asks the exporter that it was given. */
export interface Scraper extends ExporterBackend {
  exporter?: PrometheusExporter;
}

export const bearerToken = "scrape-token-0123456789";

export function scraper(): Promise<Scraper> {
  const backend: Scraper = {
    async read(meter, attributes) {
      const families = await scrape(backend.exporter!);
      return families === undefined ? undefined : readingOf(families, meter, attributes);
    },
    // It is the scraper that calls.
    contacts: () => 0,
    stop: () => Promise.resolve(),
  };
  return Promise.resolve(backend);
}

/** What the exporter answers; undefined when nobody answers. */
async function scrape(exporter: PrometheusExporter): Promise<readonly ParsedFamily[] | undefined> {
  // Shut down, it has no address; started, it will have one soon.
  if (!isStarted.has(exporter)) await until(() => exporter.address(), "the exporter to listen");
  isStarted.add(exporter);
  const { port } = exporter.address() ?? {};
  if (port === undefined) return undefined;
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, {
    headers: { authorization: `Bearer ${bearerToken}` },
  });
  if (!response.ok) throw new Error(`a scrape was answered with ${response.status}: ${await response.text()}`);
  return parseExposition(await response.text(), "text");
}

const isStarted = new WeakSet<PrometheusExporter>();

function readingOf(
  families: readonly ParsedFamily[],
  { kind, name, unit }: ContractMeter,
  attributes: Attributes,
): Reading | undefined {
  const labels = Object.entries(attributes).map(([key, value]) => [key.replaceAll(/\W/g, "_"), String(value)]);
  const wanted = JSON.stringify(labels.toSorted(byKey));
  const base = `${name.replaceAll(".", "_")}${unitSuffixes[unit] ?? ""}`;
  const sample = (sampleName: string): number | undefined =>
    families
      .flatMap(({ samples }) => samples)
      .find((each) => each.name === sampleName && JSON.stringify([...each.labels].toSorted(byKey)) === wanted)?.value;
  if (kind === "histogram" || kind === "exponentialHistogram") {
    const [count, sum] = [sample(`${base}_count`), sample(`${base}_sum`)];
    return count === undefined || sum === undefined ? undefined : { count, sum };
  }
  return sample(kind === "counter" ? `${base}_total` : base);
}

const unitSuffixes: Readonly<Record<string, string>> = { s: "_seconds", By: "_bytes", Cel: "_celsius" };

function byKey([left = ""]: readonly string[], [right = ""]: readonly string[]): number {
  return left < right ? -1 : 1;
}
