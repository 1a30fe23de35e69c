import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { workflow } from "@meterbridge/core";
import { usageApi } from "@meterbridge/http";
import { postgresqlStore } from "@meterbridge/ledger/postgresql";
import { diag, DiagLogLevel } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { findServer, freePort, startServer, until } from "../../../test/support/servers.ts";
import { findPostgresql, startPostgresql } from "../../ledger/test/support/postgresql-server.ts";
import { acmeToken, adminToken, ask, listen, tokens } from "./support/usage-client.ts";
import { november, runSdk } from "./support/usage-sdk.ts";

const prometheus = findServer("prometheus");
const postgresql = findPostgresql();

test.skipIf(prometheus === undefined)(
  "a real Prometheus scrapes the API with an administrator's token, and is refused with a tenant's",
  async () => {
    const sdk = await runSdk({ withPrometheus: true });
    workflow.created("billing");
    const server = await listen(usageApi({ tokens, basePath: "/api/v1/metrics" }).handler);
    const directory = await mkdtemp(path.join(tmpdir(), "usage-api-prometheus-"));
    await writeFile(path.join(directory, "admin"), `${adminToken}\n`);
    await writeFile(path.join(directory, "acme"), acmeToken);
    const job = (name: string): object => ({
      job_name: name,
      scrape_interval: "500ms",
      scrape_timeout: "500ms",
      metrics_path: "/api/v1/metrics/prometheus",
      authorization: { credentials_file: path.join(directory, name) },
      static_configs: [{ targets: [`127.0.0.1:${server.port}`] }],
    });
    // JSON is YAML.
    const configuration = JSON.stringify({ scrape_configs: [job("admin"), job("acme")] });
    await writeFile(path.join(directory, "prometheus.yml"), configuration);
    const address = `127.0.0.1:${await freePort()}`;
    const scraper = await startServer(
      prometheus ?? "",
      [
        `--config.file=${directory}/prometheus.yml`,
        `--storage.tsdb.path=${directory}/data`,
        `--web.listen-address=${address}`,
      ],
      `http://${address}/-/ready`,
    );
    const valueOf = async (query: string): Promise<string | undefined> => {
      const answer = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(query)}`);
      const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
      return data.result[0]?.value[1];
    };
    await until(() => valueOf('workflow_created_total{workflow="billing"}'), "the workflow to be scraped");
    expect(await valueOf('workflow_created_total{workflow="billing"}')).toBe("1");
    expect(await valueOf('up{job="admin"}')).toBe("1");
    await until(() => valueOf('up{job="acme"}'), "the tenant's scrape");
    expect(await valueOf('up{job="acme"}')).toBe("0");
    await scraper.stop();
    await server.close();
    await sdk.stop();
    await rm(directory, { recursive: true });
  },
);

test.skipIf(postgresql === undefined)(
  "while PostgreSQL hangs or is gone, history is a 503 that tells nothing of it, live figures go on, and all is there again after",
  async () => {
    const told: string[] = [];
    const log = (...words: unknown[]): void => void told.push(words.join(" "));
    diag.setLogger({ error: log, warn() {}, info() {}, debug() {}, verbose() {} }, DiagLogLevel.ERROR);
    const server = await startPostgresql();
    const url = new URL(server.url);
    url.password = "canary-password";
    const sdk = await runSdk({ events: november(), store: postgresqlStore({ url: url.href }) });
    workflow.created("billing");
    const api = usageApi({ tokens, timeoutMillis: 1000 });
    const target = "/by-provider?from=2026-11-01&to=2026-11-30";
    const whole = await ask(api, target);
    expect([whole.status, (whole.body as { models: object[] }).models.length]).toEqual([200, 3]);

    server.pause();
    const hanging = await ask(api, target);
    expect([hanging.status, hanging.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(hanging.text).toBe('{"error":{"message":"the ledger cannot be read at present"}}\n');
    expect(await ask(api, "/workflows")).toMatchObject({ status: 200, body: { created: 1 } });
    server.resume();
    await until(async () => (await ask(api, target)).text === whole.text, "the history to be there again");

    await server.restartImmediate();
    await until(async () => (await ask(api, target)).text === whole.text, "the history to be there after a crash");

    const before = told.filter((line) => line.includes("usageApi()")).length;
    expect(before).toBeGreaterThanOrEqual(1);
    await server.stop();
    for (let request = 0; request < 3; request++) {
      const gone = await ask(api, target);
      expect([gone.status, gone.text]).toEqual([503, hanging.text]);
    }
    expect(told.filter((line) => line.includes("usageApi()"))).toHaveLength(before + 1);
    expect(told.join("\n")).not.toContain("canary-password");
    await sdk.stop();
    diag.disable();
  },
  90_000,
);
