import { createServer, get } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { freePort, until } from "../../../test/support/servers.ts";
import { prometheus, type PrometheusOptions } from "../src/index.ts";
import { parseExposition, total } from "./exposition-parser.ts";
import { collected, counter } from "./metric-data.ts";
import { recordingDiag } from "./recording-diag.ts";
import { type StartedExporter, startExporter } from "./started-exporter.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(options: PrometheusOptions = {}): Promise<StartedExporter> {
  const started = await startExporter(options);
  cleanups.push(() => started.provider.shutdown());
  return started;
}

/** Sends bytes over TCP and gives what came back by the time the server closed, or by the deadline. */
function converse(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = open(port);
    let answer = "";
    socket.on("data", (chunk) => (answer += chunk.toString()));
    socket.on("close", () => resolve(answer));
    socket.write(text);
  });
}

function open(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  cleanups.push(() => socket.destroy());
  return socket;
}

/** A client whose request never ends, although a byte of it comes every 50 ms. */
function openDripping(port: number): Socket {
  const socket = open(port);
  socket.write("GET /metrics HTTP/1.1\r\nHost: x\r\nX-Drip: ");
  const drip = setInterval(() => socket.write("x"), 50);
  cleanups.push(() => clearInterval(drip));
  return socket;
}

const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once("close", () => resolve()));

describe("the server", () => {
  it("answers with the metrics of the official meter provider in the format that Accept asks for", async () => {
    const { url, meter } = await start();
    meter.createCounter("llm.cost", { unit: "USD" }).add(1.5, { model: "gpt" });

    const text = await fetch(`${url}/metrics`);
    expect(text.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await text.text()).toContain('llm_cost_usd_total{model="gpt"} 1.5\n');

    const openMetrics = await fetch(`${url}/metrics?x=1`, { headers: { accept: "application/openmetrics-text" } });
    expect(openMetrics.headers.get("content-type")).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    expect(total(parseExposition(await openMetrics.text(), "openmetrics"), "llm_cost_usd_total")).toBe(1.5);

    const unknown = await fetch(`${url}/metrics`, { headers: { accept: "image/png" } });
    expect([unknown.status, unknown.headers.get("content-type")]).toEqual([
      200,
      "text/plain; version=0.0.4; charset=utf-8",
    ]);
  });

  it("answers HEAD without a body, refuses to write, and knows two paths", async () => {
    const { url } = await start({ path: "/internal/metrics", healthPath: "/internal/health" });
    const head = await fetch(`${url}/internal/metrics`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect(Number(head.headers.get("content-length"))).toBeGreaterThan(0);
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
      for (const path of ["/internal/metrics", "/internal/health"]) {
        const refused = await fetch(url + path, { method });
        expect([refused.status, refused.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
      }
    }
    for (const path of ["/", "/metrics", "/health", "/internal/metrics/", "/internal"]) {
      expect((await fetch(url + path)).status).toBe(404);
    }
    expect((await fetch(`${url}/internal/health`)).status).toBe(200);
  });

  it.each([
    ["a host that is no host", "GET http://[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "400"],
    ["two slashes", "GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "400"],
    ["a percent sign", "GET /%E0%A4%A HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "404"],
    ["an asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "404"],
    ["a word", "GET metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "400"],
    ["no HTTP at all", "\0\x01\x02garbage\r\n\r\n", "400"],
  ])("survives %s as the URL, which once ended whole processes", async (_, request, status) => {
    const { url, port } = await start();
    const answer = await converse(port, request);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
  });

  it("tells its health: what is registered, under which namespace, and when it was last scraped", async () => {
    const { url, meter } = await start();
    meter.createCounter("a").add(1);
    meter.createCounter("b").add(1, { x: 1 });
    meter.createUpDownCounter("c").add(1);
    meter.createObservableGauge("d").addCallback((result) => result.observe(1));
    meter.createHistogram("e").record(1);
    const before: unknown = await (await fetch(`${url}/health`)).json();
    expect(before).toEqual({
      status: "healthy",
      enabled: true,
      namespace: "shop",
      counters: 2,
      gauges: 2,
      histograms: 1,
      series: 5,
      keptLabelBytes: 0,
    });
    await (await fetch(`${url}/metrics`)).text();
    const after = await fetch(`${url}/health`);
    expect(after.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(await after.json()).toMatchObject({ lastScrape: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) });
  });

  it("shares one collection between scrapes at the same time, so that a storm costs one", async () => {
    const { url, meter } = await start();
    let collections = 0;
    meter.createObservableGauge("slow").addCallback(async (result) => {
      collections++;
      await sleep(300);
      result.observe(collections);
    });
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => await (await fetch(`${url}/metrics`)).text()),
    );
    expect(new Set(answers).size).toBe(1);
    expect(collections).toBe(1);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain("\nslow 2\n");
  });

  it("shares collections that hold the event loop too, between scrapes that arrive together", async () => {
    const { port, meter } = await start();
    let collections = 0;
    meter.createObservableGauge("busy").addCallback((result) => {
      collections++;
      const end = performance.now() + 20;
      while (performance.now() < end);
      result.observe(1);
    });
    const sockets = Array.from({ length: 40 }, () => open(port));
    await until(() => sockets.every((socket) => !socket.connecting), "the clients to connect");
    const answers = sockets.map((socket) => new Promise<void>((resolve) => socket.once("data", () => resolve())));
    for (const socket of sockets) socket.write("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    await Promise.all(answers);
    expect(collections).toBeLessThanOrEqual(10);
  });

  it("is fresh at each scrape that follows a recording", async () => {
    const { url, meter, exporter } = await start();
    const instrument = meter.createCounter("c");
    for (let round = 1; round <= 5; round++) {
      instrument.add(1);
      expect(await exporter.render()).toContain(`\nc_total ${round}\n`);
      expect(await (await fetch(`${url}/metrics`)).text()).toContain(`\nc_total ${round}\n`);
    }
  });
});

describe("when collecting goes wrong", () => {
  it("keeps the other metrics when an observable callback throws, says so once, and again when it is over", async () => {
    const { url, meter, diag } = await start();
    let isBroken = true;
    meter.createCounter("fine").add(1);
    meter.createObservableGauge("broken").addCallback((result) => {
      if (isBroken) throw new Error("no connection to postgres://user:secret@db");
      result.observe(1);
    });
    for (let round = 0; round < 3; round++) {
      const answer = await fetch(`${url}/metrics`);
      expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining("\nfine_total 1\n")]);
    }
    const health = await (await fetch(`${url}/health`)).text();
    expect(JSON.parse(health)).toMatchObject({
      status: "degraded",
      lastError: expect.stringContaining("callback failed"),
    });
    expect(health).not.toContain("secret");
    isBroken = false;
    expect(await (await fetch(`${url}/metrics`)).text()).toContain("\nbroken 1\n");
    expect(diag.lines.filter((line) => !line.includes("metrics at http"))).toEqual([
      "error [meterbridge] [prometheus] an observable callback failed, its metrics are missing or old: " +
        "no connection to postgres://user:secret@db",
      "warn [meterbridge] [prometheus] collecting the metrics works again",
    ]);
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: "healthy" });
  });

  it("answers 503 in time while a callback hangs, and works again when it does not", async () => {
    const { url, meter, diag, exporter } = await start({ scrapeTimeoutMillis: 200 });
    let isHanging = true;
    meter.createCounter("fine").add(1);
    meter.createObservableGauge("hanging").addCallback(async () => {
      if (isHanging) await new Promise(() => {});
    });
    for (let round = 0; round < 2; round++) {
      const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) });
      expect([answer.status, await answer.text()]).toEqual([503, "collecting the metrics took longer than 200 ms\n"]);
    }
    await expect(exporter.render()).rejects.toThrow("took longer than 200 ms");
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({
      status: "degraded",
      lastError: "collecting the metrics took longer than 200 ms",
    });
    isHanging = false;
    expect(await (await fetch(`${url}/metrics`)).text()).toContain("\nfine_total 1\n");
    expect(diag.lines.filter((line) => line.startsWith("error"))).toHaveLength(1);
  });

  it("answers 500 with a plain reason when the provider fails, and logs the details once", async () => {
    const exporter = prometheus({ port: 0 });
    const diag = recordingDiag();
    const reader = exporter.createReader({ resourceAttributes: {}, namespace: "", diag });
    cleanups.push(() => reader.shutdown());
    let isBroken = true;
    reader.setMetricProducer({
      async collect() {
        if (isBroken) throw new Error("details\nof it");
        return { resourceMetrics: collected([counter({ name: "c" }, [[{}, 1]])]), errors: [] };
      },
    });
    const { port } = await until(() => exporter.address(), "the exporter to listen");
    for (let round = 0; round < 2; round++) {
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
      expect([answer.status, await answer.text()]).toEqual([500, "collecting the metrics failed\n"]);
    }
    isBroken = false;
    expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(200);
    expect(diag.lines.filter((line) => line.startsWith("error"))).toEqual([
      "error [meterbridge] [prometheus] collecting the metrics failed: details of it",
    ]);
    expect(() => reader.setMetricProducer({ collect: () => Promise.reject(new Error("second")) })).toThrow(
      "already belongs to a meter provider",
    );
  });
});

describe("when the port cannot be had", () => {
  it("says so in one line that names host, port and the way out, and the application goes on", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => other.close());
    const { port } = other.address() as AddressInfo;

    const exporter = prometheus({ port });
    const diag = recordingDiag();
    const reader = exporter.createReader({ resourceAttributes: {}, namespace: "", diag });
    cleanups.push(() => reader.shutdown());
    reader.setMetricProducer({ collect: () => Promise.resolve({ resourceMetrics: collected([]), errors: [] }) });
    await until(() => diag.lines.length > 0, "a line on diag");
    await sleep(100);
    expect(diag.lines).toEqual([
      `error [meterbridge] [prometheus] port ${port} on 127.0.0.1 is in use, metrics are not served there, the application ` +
        "goes on: end the other process, or set METERBRIDGE_PROMETHEUS_PORT to another port (0 takes any free one)",
    ]);
    expect(exporter.address()).toBeUndefined();
    expect(exporter.isFailing?.()).toBe(true);
    expect(await exporter.render()).toBe("");
    await reader.shutdown();
  });

  it("says so for a host that is not of this machine", async () => {
    const diag = recordingDiag();
    const reader = prometheus({ host: "192.0.2.1", port: 0 }).createReader({
      resourceAttributes: {},
      namespace: "",
      diag,
    });
    cleanups.push(() => reader.shutdown());
    await until(() => diag.lines.find((line) => line.startsWith("error")), "an error on diag");
    expect(diag.lines.join("\n")).toContain("host 192.0.2.1 is not an address of this machine");
  });
});

describe("who can read the metrics", () => {
  it("warns once when it listens beyond the machine, and not on loopback", async () => {
    const beyond = await start({ host: "0.0.0.0" });
    await until(() => beyond.diag.lines.length > 1, "the warning");
    const warnings = ({ lines }: { readonly lines: readonly string[] }): string[] =>
      lines.filter((line) => line.startsWith("warn") && !line.includes("metrics at http"));
    expect(warnings(beyond.diag)).toEqual([
      `warn [meterbridge] [prometheus] listening on 0.0.0.0: anyone who reaches port ${beyond.port} can read the metrics; ` +
        "set METERBRIDGE_PROMETHEUS_HOST=127.0.0.1 unless the network keeps others out",
    ]);
    for (const host of ["127.0.0.1", "localhost"]) {
      const { diag, exporter } = await start({ host });
      expect(warnings(diag)).toEqual([]);
      expect(exporter.address()?.address).toMatch(/^(127\.0\.0\.1|::1)$/);
    }
  });

  it("tells which port it got when any was asked for, since nobody can know it otherwise", async () => {
    const { diag, port } = await start({ port: 0 });
    await until(() => diag.lines.length > 0, "the line");
    expect(diag.lines).toEqual([`warn [meterbridge] [prometheus] metrics at http://127.0.0.1:${port}/metrics`]);
  });

  it("reads host and port from the environment when the exporter is created", async () => {
    const port = await freePort();
    process.env["METERBRIDGE_PROMETHEUS_PORT"] = String(port);
    cleanups.push(() => delete process.env["METERBRIDGE_PROMETHEUS_PORT"]);
    const exporter = prometheus();
    const reader = exporter.createReader({ resourceAttributes: {}, namespace: "", diag: recordingDiag() });
    cleanups.push(() => reader.shutdown());
    expect((await until(() => exporter.address(), "the exporter to listen")).port).toBe(port);
  });
});

describe("shutdown", () => {
  it("does not wait for clients that are silent, half-way through a request, idle or slow to read", async () => {
    const { provider, port, url, meter } = await start();
    const instrument = meter.createCounter("c");
    for (let index = 0; index < 1500; index++) instrument.add(1, { index: `${index}-${"x".repeat(1000)}` });
    const silent = open(port);
    const halfWay = open(port);
    halfWay.write("GET /metrics HTTP/1.1\r\nHost: x\r\nX-Half: ");
    const dripping = openDripping(port);
    const slow = open(port);
    slow.write("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    slow.pause();
    await (await fetch(`${url}/metrics`)).text();
    const all = [silent, halfWay, dripping, slow];
    await until(() => all.every((socket) => !socket.connecting), "the clients to connect");
    await sleep(200);
    const closes = Promise.all([closed(silent), closed(halfWay), closed(dripping)]);

    const started = performance.now();
    await provider.shutdown();
    expect(performance.now() - started).toBeLessThan(3_000);
    slow.destroy();
    await closes;
  });

  it("may be asked for twice, also when it never listened, and then serves nothing", async () => {
    const { exporter, provider, url } = await start();
    await (await fetch(`${url}/metrics`)).text();
    await provider.shutdown();
    await expect(fetch(`${url}/metrics`)).rejects.toThrow("fetch failed");
    await expect(exporter.render()).rejects.toThrow("the exporter is shut down");
    expect(exporter.address()).toBeUndefined();

    const unborn = prometheus({ host: "localhost", port: 0 });
    const reader = unborn.createReader({ resourceAttributes: {}, namespace: "", diag: recordingDiag() });
    await Promise.all([reader.shutdown(), reader.shutdown({ timeoutMillis: 1 })]);
    await reader.shutdown();
    await sleep(100);
    expect(unborn.address()).toBeUndefined();
    await expect(reader.collect()).rejects.toThrow("the exporter is shut down");
    await reader.forceFlush();
  });

  it("cuts off a client that sends its request a byte at a time, so that it cannot hold connections for ever", async () => {
    const { port } = await start();
    const started = performance.now();
    await closed(openDripping(port));
    expect(performance.now() - started).toBeGreaterThan(1_000);
  }, 15_000);
});

describe("several readers of one exporter", () => {
  it("are independent, and handler and render belong to the last one", async () => {
    const exporter = prometheus({ port: 0 });
    const producer = (name: string): Parameters<ReturnType<typeof exporter.createReader>["setMetricProducer"]>[0] => ({
      collect: () => Promise.resolve({ resourceMetrics: collected([counter({ name }, [[{}, 1]])]), errors: [] }),
    });
    const first = exporter.createReader({ resourceAttributes: {}, namespace: "", diag: recordingDiag() });
    first.setMetricProducer(producer("first"));
    const { port } = await until(() => exporter.address(), "the first reader to listen");
    const second = exporter.createReader({ resourceAttributes: {}, namespace: "", diag: recordingDiag() });
    second.setMetricProducer(producer("second"));
    cleanups.push(() => Promise.all([first.shutdown(), second.shutdown()]));
    expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain("first_total 1");
    expect(await exporter.render()).toContain("second_total 1");
    await first.shutdown();
    expect(await exporter.render()).toContain("second_total 1");
  });
});

it("answers a keep-alive client again and again over one connection", async () => {
  const { port } = await start();
  const socket = open(port);
  let answer = "";
  socket.on("data", (chunk) => (answer += chunk.toString()));
  for (let round = 1; round <= 3; round++) {
    socket.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    await until(() => answer.split("HTTP/1.1 200").length === round + 1, `answer ${round}`);
  }
  expect(socket.destroyed).toBe(false);
});

it("opens nothing until a reader is created", async () => {
  const port = await freePort();
  const exporter = prometheus({ port });
  expect(exporter.address()).toBeUndefined();
  await expect(exporter.render()).rejects.toThrow("render() needs a started exporter");
  await expect(new Promise((_, reject) => get({ port, host: "127.0.0.1" }).once("error", reject))).rejects.toThrow(
    "ECONNREFUSED",
  );
});
