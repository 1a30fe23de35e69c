import type { Attributes } from "@opentelemetry/api";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { gunzipSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { createRenderer } from "../src/renderer.ts";
import { counter, scopes } from "./metric-data.ts";
import { type StartedExporter, startExporter } from "./started-exporter.ts";

let started: StartedExporter | undefined;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await started?.provider.shutdown();
});

/** Several megabytes of metrics: more than what systems keep for a connection. */
async function serveMuch(options: Parameters<typeof startExporter>[0] = {}): Promise<StartedExporter> {
  started = await startExporter({ compression: false, cardinalityLimit: 100_000, ...options });
  const calls = started.meter.createCounter("calls", { description: "Calls" });
  const text = "x".repeat(900);
  for (let index = 0; index < 1900; index++) calls.add(1, { index: String(index), a: text, b: text, c: text, d: text });
  return started;
}

describe("many scrapes at once", () => {
  it("share one collection and one rendering, and get the same bytes", async () => {
    started = await startExporter({ server: false, scrapeTimeoutMillis: 60_000 });
    const { exporter, meter } = started;
    const calls = meter.createCounter("calls");
    for (let index = 0; index < 1000; index++) calls.add(1, { index });
    let collections = 0;
    let asked = 0;
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    meter.createObservableGauge("held").addCallback(async (result) => {
      collections++;
      result.observe(collections);
      await held;
    });
    const handler = exporter.handler();
    const server = createServer((request, response) => {
      asked++;
      handler(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const answers = Array.from({ length: 100 }, async () => await (await fetch(`http://127.0.0.1:${port}`)).text());
    // All hundred have asked before the first is answered.
    await until(() => asked === 100 && collections > 0, "a hundred requests");
    release();
    const texts = new Set(await Promise.all(answers));
    server.close();
    server.closeAllConnections();
    expect([collections, texts.size]).toEqual([1, 1]);
  });
});

describe("a scraper that reads one byte a second", () => {
  it("is dropped when its time is over, holds nobody else up, and keeps nothing in memory after that", async () => {
    const { url, port } = await serveMuch({ scrapeTimeoutMillis: 1500 });
    const slow = connect({ host: "127.0.0.1", port });
    sockets.push(slow);
    slow.on("error", () => {});
    slow.write("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
    await once(slow, "readable");
    let received = slow.read(1) === null ? 0 : 1;
    const over = new Promise((resolve) => setTimeout(resolve, 2500));
    const drip = setInterval(() => (received += slow.read(1) === null ? 0 : 1), 1000);
    const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(20_000) });
    const { length } = await answer.text();
    expect(length).toBeGreaterThan(5_000_000);
    await over;
    clearInterval(drip);
    // It wakes up and takes all that is left: only what systems had under way.
    slow.on("data", (piece: Buffer) => (received += piece.length));
    await once(slow, "close");
    expect(received).toBeLessThan(length);
  });
});

describe("answers", () => {
  it("are compressed for who accepts it, and hold the same", async () => {
    const { url } = await serveMuch({ compression: true });
    const plain = await (await fetch(`${url}/metrics`, { headers: { "accept-encoding": "identity" } })).text();
    const raw = await rawAnswer(started?.port ?? 0, "accept-encoding: gzip");
    expect(raw.head).toMatch(/content-encoding: gzip/i);
    expect(raw.body.length).toBeLessThan(plain.length / 10);
    expect(gunzipSync(raw.body).toString()).toBe(plain);
    expect((await rawAnswer(started?.port ?? 0, "accept-encoding: gzip;q=0")).head).not.toMatch(/content-encoding/i);
  });

  it("come in time for a scraper that says how long it waits, with the reason", async () => {
    started = await startExporter();
    started.meter.createObservableGauge("hanging").addCallback(() => new Promise(() => {}));
    const start = performance.now();
    const answer = await fetch(`${started.url}/metrics`, { headers: { "x-prometheus-scrape-timeout-seconds": "0.5" } });
    expect([answer.status, await answer.text()]).toEqual([
      503,
      "the scrape took longer than the 450 ms that the scraper gave\n",
    ]);
    // Its own deadline would have been ten seconds.
    expect(performance.now() - start).toBeLessThan(8000);
    expect(started.diag.lines.filter((line) => line.includes("took longer"))).toHaveLength(1);
  });

  it.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])("are refused to %s", async (method) => {
    started = await startExporter();
    const answer = await fetch(`${started.url}/metrics`, { method });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });
});

describe("a rendering of a hundred thousand series", () => {
  it("lets others have a turn, many times", async () => {
    const points = Array.from({ length: 100_000 }, (_, index) => [frozen(index), index] as const);
    const metrics: ResourceMetrics = scopes([["test", [counter({ name: "calls" }, points)]]]);
    const renderer = createRenderer(100_000_000);
    const settings = {
      format: "text",
      naming: { strategy: "UnderscoreEscapingWithSuffixes", escaping: "underscores" },
      withScopeInfo: false,
      withTargetInfo: false,
      withCreated: false,
      onWarning: () => {},
    } as const;
    // A clock on which each look takes half a millisecond: a machine's pace decides nothing.
    let now = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => (now += 0.5));
    let turns = 0;
    let isRunning = true;
    const count = (): void => {
      turns++;
      if (isRunning) setImmediate(count);
    };
    setImmediate(count);
    try {
      await renderer.render(metrics, settings);
      const first = turns;
      await renderer.render(metrics, settings);
      expect(first).toBeGreaterThan(50);
      expect(turns - first).toBeGreaterThan(25);
    } finally {
      isRunning = false;
      clock.mockRestore();
    }
    expect(renderer.keptBytes() / 100_000).toBeLessThan(60);
  });
});

function frozen(index: number): Attributes {
  return Object.freeze({ index: String(index), model: "gpt-5-mini" });
}

async function rawAnswer(port: number, header: string): Promise<{ head: string; body: Buffer }> {
  const socket = connect({ host: "127.0.0.1", port });
  sockets.push(socket);
  socket.write(`GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${header}\r\n\r\n`);
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  const all = Buffer.concat(pieces);
  const end = all.indexOf("\r\n\r\n");
  return { head: all.subarray(0, end).toString(), body: all.subarray(end + 4) };
}
