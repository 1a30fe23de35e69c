import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Sdk, start } from "@meterbridge/node";
import { logs, metrics, trace } from "@opentelemetry/api";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { hideEnvironment, keepingLogger } from "./support.ts";

let directory = "";
let server: Server;
let url = "";
let sdk: Sdk | undefined;
const asked: string[] = [];
const file = (name: string): string => path.join(directory, name);

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), "meterbridge-file-tls-"));
  const names = ["-subj", "/CN=collector", "-addext", "subjectAltName=IP:127.0.0.1"];
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  for (const name of ["server", "client"]) {
    const files = ["-keyout", file(`${name}.key`), "-out", file(`${name}.pem`)];
    execFileSync("openssl", [...kind, ...names, ...files], { stdio: "pipe" });
  }
  const [key, cert, ca] = ["server.key", "server.pem", "client.pem"].map((name) => readFileSync(file(name)));
  // Who has no certificate of the client's is not answered.
  server = createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    asked.push(request.url ?? "");
    request.resume().on("end", () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true, force: true });
});

beforeEach(() => {
  hideEnvironment();
  asked.length = 0;
});
afterEach(async () => {
  await sdk?.shutdown();
  vi.unstubAllEnvs();
  metrics.disable();
  trace.disable();
  logs.disable();
});

/** Starts with all three signals going to the server, records one of each, and flushes. */
async function sendAll(tls: string): Promise<readonly string[]> {
  const exporter = (signal: string): string => `{ otlp_http: { endpoint: "${url}/v1/${signal}", tls: ${tls} } }`;
  writeFileSync(
    file("otel.yaml"),
    `file_format: "1.0"
meter_provider: { readers: [{ periodic: { exporter: ${exporter("metrics")} } }] }
tracer_provider: { processors: [{ batch: { exporter: ${exporter("traces")} } }] }
logger_provider: { processors: [{ batch: { exporter: ${exporter("logs")} } }] }
`,
  );
  vi.stubEnv("OTEL_CONFIG_FILE", file("otel.yaml"));
  const logger = keepingLogger();
  sdk = start({ diagLogger: logger, shutdownTimeoutMillis: 5000 });
  metrics.getMeter("shop").createCounter("shop.orders").add(1);
  trace.getTracer("shop").startSpan("model call").end();
  logs.getLogger("shop").emit({ body: "sold" });
  await sdk.forceFlush();
  return logger.lines.filter((line) => line.startsWith("warn"));
}

test("the file's certificates vouch for the collector, and for us to it, in all three signals", async () => {
  const warnings = await sendAll(
    `{ ca_file: "${file("server.pem")}", cert_file: "${file("client.pem")}", key_file: "${file("client.key")}" }`,
  );
  expect([...new Set(asked)].toSorted()).toEqual(["/v1/logs", "/v1/metrics", "/v1/traces"]);
  expect(warnings).toEqual([]);
});

test("without them nothing is sent, which is told of each signal", async () => {
  const warnings = (await sendAll("{ }")).join("\n");
  expect(asked).toEqual([]);
  for (const name of ["[otlp]", "[traces]", "[logs]"]) expect(warnings).toContain(name);
});
