import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import type { HealthReport } from "@meterbridge/http";
import { freePort, startProcess, until } from "../../../test/support/servers.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

test("a service whose collector and ledger are away is degraded and ready, and healthy when the collector is back", async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-health-"));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  const collectorPort = await freePort();
  const application = startProcess(
    process.execPath,
    [
      "--conditions=@meterbridge/source",
      "--import",
      "@meterbridge/node/register",
      path.join(import.meta.dirname, "support/shutdown-application.ts"),
    ],
    {
      // Has the preload, the exporters and the ledger among its dependencies.
      cwd: path.join(import.meta.dirname, "../../../examples/demo"),
      env: {
        PATH: process.env["PATH"],
        METERBRIDGE_EXPORTERS: "prometheus,otlp",
        METERBRIDGE_PROMETHEUS_PORT: "0",
        METERBRIDGE_TRACES_EXPORTER: "none",
        METERBRIDGE_LEDGER: "postgresql",
        METERBRIDGE_LEDGER_DIRECTORY: directory,
        DATABASE_URL: `postgresql://shop:hunter2@127.0.0.1:${await freePort()}/shop`,
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collectorPort}`,
        OTEL_METRIC_EXPORT_INTERVAL: "200",
      },
    },
  );
  cleanups.push(() => application.stop("SIGKILL"));
  const port = await until(() => /^listening (\d+)$/m.exec(application.output())?.[1], "the application to listen");
  const url = `http://127.0.0.1:${port}`;
  const report = async (): Promise<HealthReport> => (await (await fetch(`${url}/health`)).json()) as HealthReport;

  await (await fetch(`${url}/work`)).text();
  const { status, checks } = await until(async () => {
    const now = await report();
    return now.checks["exporters"]?.reason === "otlp" && now.checks["ledger"]?.reason === "down" ? now : undefined;
  }, "both to be seen");
  expect(status).toBe("degraded");
  expect(checks).toMatchObject({ exporters: { status: "degraded" }, ledger: { status: "degraded" } });
  expect(JSON.stringify(checks)).not.toMatch(/hunter2|127\.0\.0\.1/);
  expect((await fetch(`${url}/health`)).status).toBe(200);
  expect((await fetch(`${url}/health/ready`)).status).toBe(200);

  const collector = createServer((request, response) => {
    request.resume().on("end", () => response.end());
  });
  await new Promise<void>((resolve) => collector.listen(collectorPort, "127.0.0.1", resolve));
  cleanups.push(() => {
    collector.closeAllConnections();
    collector.close();
  });
  await until(async () => (await report()).checks["exporters"]?.status === "healthy", "the exporter to work again");
  expect(application.output()).not.toContain("hunter2");
});
