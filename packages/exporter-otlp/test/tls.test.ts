import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { otlp } from "@meterbridge/exporter-otlp";
import type { DiagLogger } from "@opentelemetry/api";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { behaviours, startBackend } from "./backend.ts";

const hasOpenssl = findOpenssl();
let directory: string;
const file = (name: string): string => path.join(directory, name);

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), "meterbridge-tls-"));
  if (hasOpenssl) for (const name of ["server", "client"]) makeCertificate(name);
  writeFileSync(file("garbage.pem"), "no certificate");
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

describe.skipIf(!hasOpenssl)("TLS", () => {
  it("works with a certificate authority of one's own", async () => {
    const { requests, told } = await exportOnce({ certificate: file("server.pem") });

    expect(told).toEqual([]);
    expect(requests).toBe(1);
  });

  it("is refused, and told, when nobody vouches for the server", async () => {
    const { requests, told } = await exportOnce({});

    expect(requests).toBe(0);
    expect(told[0]).toContain("self-signed certificate");
  });

  it("shows the client's certificate to a server that asks for it", async () => {
    const mutual = { requestCert: true, rejectUnauthorized: true, ca: readFileSync(file("client.pem")) };
    const certificate = file("server.pem");

    const without = await exportOnce({ certificate }, mutual);
    const withClient = await exportOnce(
      { certificate, clientCertificate: file("client.pem"), clientKey: file("client.key") },
      mutual,
    );

    expect(without.requests).toBe(0);
    expect(withClient).toEqual({ requests: 1, told: [] });
  });

  it.each([
    [
      "a file that is not there",
      { certificate: "missing.pem" },
      /option "certificate" must name a usable PEM file, found ".*missing\.pem": ENOENT/,
    ],
    [
      "a file without a certificate",
      { certificate: "garbage.pem" },
      /option "certificate" must name a usable PEM file/,
    ],
    [
      "a key that is none",
      { clientCertificate: "client.pem", clientKey: "garbage.pem" },
      /option "clientKey" must name a usable PEM file/,
    ],
    [
      "a key of another certificate",
      { clientCertificate: "client.pem", clientKey: "server.key" },
      /option "clientKey" must name a usable PEM file.*key values mismatch/,
    ],
  ] as const)("ends the start with one line for %s", (_name, files, message) => {
    const options = Object.fromEntries(Object.entries(files).map(([option, name]) => [option, file(name)]));
    const exporter = otlp({ url: "https://127.0.0.1:4318/v1/metrics", ...options });

    expect(() => exporter.createReader({ resourceAttributes: {}, diag: recorder([]), namespace: "" })).toThrow(message);
  });
});

/** As with the servers: missing is one loud line, and an error where everything has to be tested. */
function findOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "pipe" });
    return true;
  } catch (error) {
    if (process.env["CI"] === "true") throw new Error("openssl is not installed", { cause: error });
    console.warn("\n!!! SKIPPED: openssl is not installed, so TLS is not tested\n");
    return false;
  }
}

/** Self-signed, for 127.0.0.1, for a day. */
function makeCertificate(name: string): void {
  const key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
  const subject = `-subj /CN=${name} -addext subjectAltName=IP:127.0.0.1`;
  const parameters = `req -x509 -days 1 ${key} ${subject}`.split(" ");
  execFileSync("openssl", [...parameters, "-keyout", file(`${name}.key`), "-out", file(`${name}.pem`)], {
    stdio: "pipe",
  });
}

async function exportOnce(options: object, serverOptions: object = {}) {
  const tls = { key: readFileSync(file("server.key")), cert: readFileSync(file("server.pem")), ...serverOptions };
  const backend = await startBackend(behaviours.works, { tls });
  const told: string[] = [];
  const reader = otlp({ url: backend.url, shutdownTimeoutMillis: 1000, ...options }).createReader({
    resourceAttributes: {},
    diag: recorder(told),
    namespace: "",
  });
  new MeterProvider({ readers: [reader] }).getMeter("shop").createCounter("orders").add(1);
  await reader.shutdown();
  await backend.close();
  return { requests: backend.requests.length, told };
}

function recorder(told: string[]): DiagLogger {
  const tell = (message: string): void => void told.push(message);
  return { error: tell, warn: tell, info: tell, debug() {}, verbose() {} };
}
