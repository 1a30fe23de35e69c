import { metrics } from "@opentelemetry/api";
import { otlp } from "@meterbridge/exporter-otlp";
import { prometheus } from "@meterbridge/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, get as httpGet, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { setRoute, startRequestMeters } from "../packages/http/src/requests.ts";
import { findServer, freePort, startServer, until } from "./support/servers.ts";

const quiet = { error() {}, warn() {}, info() {}, debug() {}, verbose() {} };
const context = { resourceAttributes: { "service.name": "sparklio" }, diag: quiet, namespace: "" };

let scraped = "";
let application = "";
let exports = 0;
let end: () => Promise<unknown>;

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const scrape = async (): Promise<string> => (await fetch(scraped)).text();
const lines = (page: string, name: string): string[] => page.split("\n").filter((line) => line.startsWith(name));

/** An application with the Prometheus and OTLP exporters, ten requests answered and one in progress. */
beforeAll(async () => {
  const collector = createServer((_request, response) => {
    exports++;
    response.end();
  });
  const endpoint = `${await listening(collector)}/v1/metrics`;
  // Its own requests are the application's business no more than the exporter's are.
  Object.assign(collector, { [Symbol.for("meterbridge.unmetered")]: true });
  const port = await freePort();
  scraped = `http://127.0.0.1:${port}/metrics`;
  const exporters = [prometheus({ port }), otlp({ url: endpoint, exportIntervalMillis: 100 })];
  const provider = new MeterProvider({ readers: exporters.map((exporter) => exporter.createReader(context)) });
  metrics.setGlobalMeterProvider(provider);
  const stop = startRequestMeters();
  const server = createServer((request, response) => {
    setRoute(request, request.url?.startsWith("/users") ? "/users/:id" : "/jobs");
    if (request.url === "/jobs/never") response.flushHeaders();
    else response.writeHead(request.url === "/jobs/fails" ? 500 : 200).end();
  });
  application = await listening(server);
  for (let index = 0; index < 9; index++) await (await fetch(`${application}/users/${index}`)).text();
  await (await fetch(`${application}/jobs/fails`, { method: "POST" })).text();
  const unanswered = httpGet(`${application}/jobs/never`);
  await once(unanswered, "response");
  end = async () => {
    stop();
    unanswered.destroy();
    for (const one of [server, collector]) {
      one.close();
      one.closeAllConnections();
    }
    await provider.shutdown();
    metrics.disable();
  };
});
afterAll(() => end());

test("scrapes and exports are neither metered as requests to the application nor as requests from it", async () => {
  const before = exports;
  for (let index = 0; index < 5; index++) await scrape();
  await until(() => exports > before + 3, "more exports");
  const page = await scrape();
  expect(
    lines(page, "http_server_request_duration_seconds_count").map((line) => Number(line.split(" ").at(-1))),
  ).toEqual([9, 1]);
  const sent = lines(page, "http_client_request_duration_seconds_count").filter((line) =>
    line.includes(`server_port="${new URL(application).port}"`),
  );
  expect(sent.map((line) => Number(line.split(" ").at(-1))).reduce((sum, count) => sum + count, 0)).toBe(10);
  // fetch() of this test to the scrape server is the application's; exports are not.
  expect(page).not.toMatch(/^http_client_request_duration_seconds_count.*http_request_method="POST".*="200"/m);
  expect(lines(page, "http_server_active_requests").map((line) => line.split(" ").at(-1))).toEqual(["1", "0"]);
});

const binary = findServer("prometheus");
const promtool = findServer("promtool");

describe.skipIf(binary === undefined || promtool === undefined)("a real Prometheus", () => {
  let directory = "";
  beforeAll(() => void (directory = mkdtempSync(path.join(tmpdir(), "meterbridge-relabel-"))));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test("keeps the requests under the names that docs/http.md says, by its rules as they stand there", async () => {
    const guide = await readFile(path.join(import.meta.dirname, "../docs/http.md"), "utf8");
    const file = path.join(directory, "prometheus.yml");
    const [, settings = "", rules = ""] =
      /# prometheus\.yml\n(.*?)```.*# sparklio-rules\.yml\n(.*?)```/s.exec(guide) ?? [];
    const global = "global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }\n";
    writeFileSync(file, global + settings.replace("localhost:9464", new URL(scraped).host));
    writeFileSync(path.join(directory, "sparklio-rules.yml"), rules);
    await promisify(execFile)(promtool!, ["check", "config", file]);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const server = await startServer(
      binary!,
      [`--config.file=${file}`, `--storage.tsdb.path=${directory}/data`, `--web.listen-address=127.0.0.1:${port}`],
      `${url}/-/ready`,
    );
    try {
      const ask = async (
        query: string,
      ): Promise<readonly { metric: Record<string, string>; value: [number, string] }[]> => {
        const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
        return ((await answer.json()) as { data: { result: [] } }).data.result;
      };
      const found = await until(async () => {
        const result = await ask("sparklio_http_requests_total");
        return result.length === 2 ? result : undefined;
      }, "both series");
      expect(
        found.map(({ metric: { method, endpoint, status_code }, value }) => [method, endpoint, status_code, value[1]]),
      ).toEqual(
        expect.arrayContaining([
          ["GET", "/users/:id", "200", "9"],
          ["POST", "/jobs", "500", "1"],
        ]),
      );
      const [latency] = await ask('sparklio_http_request_duration_seconds_count{endpoint="/users/:id"}');
      expect(latency?.value[1]).toBe("9");
      expect(await ask('sparklio_http_request_duration_seconds_bucket{endpoint="/users/:id",le="+Inf"}')).toHaveLength(
        1,
      );
      expect(await ask('{__name__=~"sparklio.*",http_route!=""}')).toEqual([]);
    } finally {
      await server.stop();
    }
  });
});
