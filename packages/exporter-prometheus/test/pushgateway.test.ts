import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pushToGateway, type PushgatewayExporter, type PushToGatewayOptions } from "../src/index.ts";
import { parseExposition } from "./exposition-parser.ts";
import { type RecordingDiag, recordingDiag } from "./recording-diag.ts";

/** What a Pushgateway knows: the text of each group, by its path. It answers as the real one does, 400 for what it cannot read. */
interface Gateway {
  readonly url: string;
  readonly groups: Map<string, string>;
  readonly requests: { method: string; path: string; authorization: string | undefined }[];
  /** Answers with this instead. */
  refuse: number | "hang" | undefined;
  readonly server: Server;
}

let gateway: Gateway;

beforeEach(async () => {
  const groups = new Map<string, string>();
  const requests: Gateway["requests"] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { method = "", url = "" } = request;
      requests.push({ method, path: url, authorization: request.headers.authorization });
      if (gateway.refuse === "hang") return;
      if (gateway.refuse !== undefined) return void response.writeHead(gateway.refuse).end("too\nfull");
      const group = readGroup(url);
      if (method === "DELETE") {
        groups.delete(group);
        return void response.writeHead(202).end();
      }
      try {
        parseExposition(body, "text");
      } catch (error) {
        return void response.writeHead(400).end(String(error));
      }
      groups.set(group, method === "POST" ? (groups.get(group) ?? "") + body : body);
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  gateway = { url: `http://127.0.0.1:${port}`, groups, requests, refuse: undefined, server };
});

afterEach(async () => {
  gateway.server.closeAllConnections();
  await new Promise((resolve) => gateway.server.close(resolve));
});

/** `/metrics/job/a/label@base64/eA` → `job="a",label="x"`. */
function readGroup(path: string): string {
  const [, root, ...segments] = path.split("/");
  if (root !== "metrics" || segments.length % 2 !== 0) throw new Error(`not a group: ${path}`);
  const labels: string[] = [];
  for (let place = 0; place < segments.length; place += 2) {
    const [label, coding] = (segments[place] ?? "").split("@");
    const value = segments[place + 1] ?? "";
    labels.push(
      `${label}=${JSON.stringify(coding === "base64" ? Buffer.from(value, "base64url").toString() : decodeURIComponent(value))}`,
    );
  }
  return labels.join();
}

function start(options: Partial<PushToGatewayOptions> = {}): {
  exporter: PushgatewayExporter;
  provider: MeterProvider;
  diag: RecordingDiag;
} {
  const exporter = pushToGateway({ url: gateway.url, job: "nightly", ...options });
  const diag = recordingDiag();
  const reader = exporter.createReader({ resourceAttributes: {}, namespace: "", diag });
  const provider = new MeterProvider({ readers: [reader] });
  provider.getMeter("test").createCounter("rows", { description: "Rows" }).add(5, { table: "a" });
  return { exporter, provider, diag };
}

describe("pushToGateway", () => {
  it("leaves a job's metrics in the gateway when the job ends, so that they can still be scraped", async () => {
    const { provider, diag } = start({ grouping: { instance: "i-1" } });
    expect(gateway.requests).toEqual([]);
    await provider.shutdown();
    expect([...gateway.groups.keys()]).toEqual(['job="nightly",instance="i-1"']);
    expect(gateway.groups.get('job="nightly",instance="i-1"')).toContain('rows_total{table="a"} 5\n');
    expect(gateway.requests.map(({ method }) => method)).toEqual(["PUT"]);
    expect(diag.lines).toEqual([]);
  });

  it("pushes when asked to, replaces or adds by its method, and deletes", async () => {
    const { exporter, provider } = start({ method: "POST" });
    await exporter.push();
    await provider.forceFlush();
    expect(gateway.requests.map(({ method }) => method)).toEqual(["POST", "POST"]);
    await exporter.delete();
    expect(gateway.groups.size).toBe(0);
    gateway.refuse = undefined;
    await provider.shutdown();
  });

  it.each(["a/b", "..", "", "ü?#%", "x y"])("keeps the group apart whose label is %j", async (value) => {
    const { provider } = start({ job: "a/../b", grouping: { path: value } });
    await provider.shutdown();
    expect([...gateway.groups.keys()]).toEqual([`job="a/../b",path=${JSON.stringify(value)}`]);
  });

  it.each([
    [{ bearerToken: "t0ken" }, "Bearer t0ken"],
    [{ basicAuth: { username: "ann", password: "pw" } }, `Basic ${Buffer.from("ann:pw").toString("base64")}`],
  ])("shows its credentials %j", async (options, authorization) => {
    const { provider } = start(options);
    await provider.shutdown();
    expect(gateway.requests[0]?.authorization).toBe(authorization);
  });

  it("throws nothing into the application when the gateway refuses, and tells once", async () => {
    const { exporter, provider, diag } = start();
    gateway.refuse = 503;
    await provider.forceFlush();
    await provider.forceFlush();
    expect(exporter.isFailing?.()).toBe(true);
    expect(diag.lines).toEqual([
      `error [meterbridge] [pushgateway] job "nightly" could not be pushed to ${gateway.url}/metrics/job/nightly: ` +
        "the Pushgateway answered 503: too full",
    ]);
    await expect(exporter.push()).rejects.toThrow("answered 503: too full");
    gateway.refuse = undefined;
    await provider.shutdown();
    expect(exporter.isFailing?.()).toBe(false);
    expect(gateway.groups.size).toBe(1);
  });

  it("ends in time when the gateway hangs", async () => {
    const { provider, diag } = start({ timeoutMillis: 200 });
    gateway.refuse = "hang";
    await provider.shutdown();
    expect(diag.lines.join()).toContain("no answer within 200 ms");
  });

  it("says which port refuses", async () => {
    const { provider, diag } = start({ url: "http://127.0.0.1:1" });
    await provider.shutdown();
    expect(diag.lines.join()).toMatch(/could not be pushed to http:\/\/127\.0\.0\.1:1\/metrics\/job\/nightly: \w/);
  });

  it.each([
    [{ url: "nowhere" }, 'option "url" must be an http or https URL'],
    [{ url: "http://ann:secret@host" }, "which is not shown here"],
    [{ job: "" }, 'option "job" must be a name, found ""'],
    [{ grouping: { job: "x" } }, 'option "grouping" must have labels of letters'],
    [{ grouping: { "a.b": "x" } }, 'option "grouping" must have labels of letters'],
    [{ method: "PATCH" }, 'option "method" must be PUT or POST, found "PATCH"'],
    [{ jop: "x" }, 'option "jop" is unknown'],
  ])("refuses %j at the start", (options, message) => {
    const given = { url: "http://gateway:9091", job: "nightly", ...options } as PushToGatewayOptions;
    expect(() => pushToGateway(given)).toThrow(message);
    expect(() => pushToGateway(given)).not.toThrow("secret");
  });
});
