import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { freePort, startServer, until } from "../../../test/support/servers.ts";

export interface ScrapeTarget {
  readonly job: string;
  readonly port: number;
  readonly protocol: "OpenMetricsText1.0.0" | "PrometheusText0.0.4" | "PrometheusText1.0.0" | "PrometheusProto";
  /** Further settings of the job. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface RealPrometheus {
  /** The result of an instant query as label sets with values. */
  query(promql: string): Promise<QueryResult[]>;
  /** The value of a query that gives exactly one series, or undefined. */
  value(promql: string): Promise<number | undefined>;
  /** The labels and values of exemplars of a query's series. */
  exemplars(promql: string): Promise<{ labels: Readonly<Record<string, string>>; value: number; seconds: number }[]>;
  /** Why the last scrape of a job failed, or `""`. */
  lastError(job: string): Promise<string>;
  stop(): Promise<void>;
}

export interface QueryResult {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Starts a Prometheus that scrapes the targets once a second, and waits until it has tried each of them. */
export async function startPrometheus(binary: string, targets: readonly ScrapeTarget[]): Promise<RealPrometheus> {
  const directory = await mkdtemp(path.join(tmpdir(), "meterbridge-prometheus-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const configuration = {
    global: { scrape_interval: "1s", scrape_timeout: "1s" },
    scrape_configs: targets.map((target) => ({
      job_name: target.job,
      scrape_protocols: [target.protocol],
      static_configs: [{ targets: [`127.0.0.1:${target.port}`] }],
      ...target.settings,
    })),
  };
  // JSON is YAML.
  await writeFile(path.join(directory, "prometheus.yml"), JSON.stringify(configuration));
  const server = await startServer(
    binary,
    [
      `--config.file=${directory}/prometheus.yml`,
      `--storage.tsdb.path=${directory}/data`,
      "--enable-feature=native-histograms,exemplar-storage",
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    `${url}/-/ready`,
  );

  const read = async (pathAndQuery: string): Promise<unknown> => await (await fetch(url + pathAndQuery)).json();
  const prometheus: RealPrometheus = {
    async query(promql) {
      const answer = (await read(`/api/v1/query?query=${encodeURIComponent(promql)}`)) as {
        status: string;
        error?: string;
        data: { result: { metric: Record<string, string>; value: [number, string] }[] };
      };
      if (answer.status !== "success") throw new Error(`${promql}: ${answer.error}`);
      return answer.data.result.map(({ metric, value }) => ({
        metric,
        value: Number(value[1].replace("Inf", "Infinity")),
      }));
    },
    async value(promql) {
      const results = await prometheus.query(promql);
      return results.length === 1 ? results[0]?.value : undefined;
    },
    async exemplars(promql) {
      const range = `start=${Date.now() / 1000 - 3600}&end=${Date.now() / 1000 + 60}`;
      const answer = (await read(`/api/v1/query_exemplars?query=${encodeURIComponent(promql)}&${range}`)) as {
        data: { exemplars: { labels: Record<string, string>; value: string; timestamp: number }[] }[];
      };
      return answer.data
        .flatMap(({ exemplars }) => exemplars)
        .map(({ labels, value, timestamp }) => ({ labels, value: Number(value), seconds: timestamp }));
    },
    async lastError(job) {
      const answer = (await read("/api/v1/targets")) as {
        data: { activeTargets: { labels: { job: string }; lastError: string }[] };
      };
      return answer.data.activeTargets.find(({ labels }) => labels.job === job)?.lastError ?? "no such target";
    },
    async stop() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
  try {
    await until(async () => (await prometheus.query("up")).length === targets.length, "every target to be scraped", 40);
  } catch (error) {
    await prometheus.stop();
    throw error;
  }
  return prometheus;
}

/** What `promtool check metrics` says of a text: exit code 0 and nothing, unless it finds fault. */
export function checkMetrics(promtool: string, text: string): { status: number | null; complaints: string } {
  const { status, stdout, stderr } = spawnSync(promtool, ["check", "metrics"], { input: text, encoding: "utf8" });
  return { status, complaints: stdout + stderr };
}
