import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { prometheus } from "../src/index.ts";
import { startExporter } from "./started-exporter.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

it("serves the metrics from the application's own node:http server, wherever they are mounted", async () => {
  const { exporter, provider, meter } = await startExporter({ server: false });
  cleanups.push(() => provider.shutdown());
  meter.createCounter("c").add(3);
  const metrics = exporter.handler();
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/internal/")) metrics(request, response);
    else response.end("the application");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  expect(await (await fetch(`${url}/`)).text()).toBe("the application");
  expect(await (await fetch(`${url}/internal/prometheus`)).text()).toContain("\nc_total 3\n");
  const openMetrics = await fetch(`${url}/internal/prometheus`, {
    headers: { accept: "application/openmetrics-text" },
  });
  expect(await openMetrics.text()).toMatch(/# EOF\n$/);
  expect(await (await fetch(`${url}/internal/health`)).json()).toMatchObject({ status: "healthy", counters: 1 });
  expect((await fetch(`${url}/internal/prometheus`, { method: "POST" })).status).toBe(405);
  expect(exporter.address()).toBeUndefined();

  await provider.shutdown();
  const after = await fetch(`${url}/internal/prometheus`);
  expect([after.status, await after.text()]).toEqual([503, "the exporter is shut down\n"]);
  expect(await (await fetch(`${url}/internal/health`)).json()).toMatchObject({ status: "degraded", enabled: false });
  expect(await (await fetch(`${url}/`)).text()).toBe("the application");
});

it("serves the metrics from servers that speak Request and Response", async () => {
  const { exporter, provider, meter } = await startExporter({ server: false });
  cleanups.push(() => provider.shutdown());
  meter.createCounter("c").add(3);
  const handle = exporter.fetchHandler();

  const text = await handle(new Request("http://localhost/metrics"));
  expect([text.status, text.headers.get("content-type")]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
  expect(await text.text()).toContain("\nc_total 3\n");
  const openMetrics = await handle(
    new Request("http://localhost/metrics", { headers: { accept: "application/openmetrics-text" } }),
  );
  expect(openMetrics.headers.get("content-type")).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
  const head = await handle(new Request("http://localhost/metrics", { method: "HEAD" }));
  expect([head.status, await head.text()]).toEqual([200, ""]);
  expect((await handle(new Request("http://localhost/metrics", { method: "POST", body: "x" }))).status).toBe(405);
  expect(await (await handle(new Request("http://localhost/api/health"))).json()).toMatchObject({ counters: 1 });
});

it("answers 503 before the exporter is started, because a route can be mounted early", async () => {
  const exporter = prometheus({ server: false });
  const answer = await exporter.fetchHandler()(new Request("http://localhost/metrics"));
  expect([answer.status, await answer.text()]).toEqual([503, "the exporter is not started\n"]);
  expect((await exporter.fetchHandler()(new Request("http://localhost/health"))).status).toBe(503);
});
