import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { prometheus, type PrometheusOptions } from "../src/index.ts";
import { readTlsFiles } from "../src/tls-files.ts";
import { recordingDiag } from "./recording-diag.ts";
import { type StartedExporter, startExporter } from "./started-exporter.ts";

let started: StartedExporter | undefined;
afterEach(async () => await started?.provider.shutdown());

async function serve(options: PrometheusOptions): Promise<StartedExporter> {
  started = await startExporter(options);
  started.meter.createCounter("calls", { description: "Calls" }).add(1);
  return started;
}

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString("base64")}`;

describe("credentials", () => {
  const bearerToken = "s3cret-t0ken";
  const basicAuth = { username: "ann", password: "pass:wörd" };

  it.each([
    [{ bearerToken }, undefined, 401],
    [{ bearerToken }, "", 401],
    [{ bearerToken }, "Bearer", 401],
    [{ bearerToken }, "Bearer wrong", 401],
    [{ bearerToken }, `Bearer ${bearerToken}x`, 401],
    [{ bearerToken }, bearerToken, 401],
    [{ bearerToken }, `Basic ${bearerToken}`, 401],
    [{ bearerToken }, `Bearer ${bearerToken}`, 200],
    [{ bearerToken }, `bearer ${bearerToken}`, 200],
    [{ basicAuth }, basic("ann:pass:wörd"), 200],
    [{ basicAuth }, basic("ann:pass:word"), 401],
    [{ basicAuth }, basic("bob:pass:wörd"), 401],
    [{ basicAuth }, "Basic ???", 401],
    [{ basicAuth }, `Bearer ${Buffer.from("ann:pass:wörd").toString("base64")}`, 401],
    [{ bearerToken, basicAuth }, basic("ann:pass:wörd"), 200],
    [{ bearerToken, basicAuth }, `Bearer ${bearerToken}`, 200],
    [{ bearerToken, basicAuth }, "Bearer x", 401],
  ])("with %j, a scraper that shows %s gets %d", async (options, authorization, status) => {
    const { url } = await serve(options);
    for (const page of ["/metrics", "/health", "/elsewhere"]) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const answer = await fetch(url + page, { headers });
      const text = await answer.text();
      expect([page, answer.status]).toEqual([page, status === 200 && page === "/elsewhere" ? 404 : status]);
      if (status === 401) expect([text, text.includes("calls")]).toEqual(["credentials are missing or wrong\n", false]);
    }
  });

  it("are asked for in the words that a browser or curl understands", async () => {
    const { url } = await serve({ bearerToken, basicAuth });
    const answer = await fetch(`${url}/metrics`);
    expect(answer.headers.get("www-authenticate")).toBe(
      'Bearer realm="metrics", Basic realm="metrics", charset="UTF-8"',
    );
  });

  it("guard what is mounted in the application's own server, too", async () => {
    const { exporter } = await serve({ bearerToken, server: false });
    const handler = exporter.fetchHandler();
    expect((await handler(new Request("http://localhost/metrics"))).status).toBe(401);
    const headers = { authorization: `Bearer ${bearerToken}` };
    expect((await handler(new Request("http://localhost/metrics", { headers }))).status).toBe(200);
  });

  it("are never written to the log, nor into what describes the exporter", async () => {
    const { diag, exporter, url } = await serve({ bearerToken, basicAuth });
    await fetch(`${url}/metrics`, { headers: { authorization: "Bearer guessed" } });
    const described = JSON.stringify([diag.lines, exporter]);
    for (const secret of [bearerToken, "wörd", "guessed"]) expect(described).not.toContain(secret);
  });
});

describe("TLS", () => {
  let directory = "";
  const file = (name: string): string => path.join(directory, name);

  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), "meterbridge-tls-"));
    for (const name of ["one", "other"]) {
      const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
      const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
      const output = ["-keyout", file(`${name}.key`), "-out", file(`${name}.crt`), "-days", "2"];
      execFileSync("openssl", ["req", "-x509", ...key, ...subject, ...output], { stdio: "ignore" });
    }
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const ask = async (port: number, options: object = {}): Promise<{ status: number; text: string; name: string }> =>
    await new Promise((resolve, reject) => {
      get(
        { host: "127.0.0.1", port, path: "/metrics", rejectUnauthorized: false, agent: false, ...options },
        (answer) => {
          const certificate: PeerCertificate = (answer.socket as TLSSocket).getPeerCertificate();
          let text = "";
          answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
          answer.on("end", () =>
            resolve({ status: answer.statusCode ?? 0, text, name: String(certificate.subject.CN) }),
          );
        },
      ).once("error", reject);
    });

  it("serves HTTPS with the certificate that was given, and no HTTP", async () => {
    const { port, url } = await serve({ tls: { certificateFile: file("one.crt"), keyFile: file("one.key") } });
    expect(await ask(port)).toMatchObject({ status: 200, text: expect.stringContaining("calls_total 1"), name: "one" });
    await expect(fetch(`${url}/metrics`)).rejects.toThrow("fetch failed");
  });

  it("admits nobody without a certificate of the authority that was given", async () => {
    const tls = { certificateFile: file("one.crt"), keyFile: file("one.key"), clientAuthorityFile: file("other.crt") };
    const { port } = await serve({ tls });
    await expect(ask(port)).rejects.toThrow(/socket|certificate|ECONN/i);
    const shown = { cert: readFileSync(file("other.crt")), key: readFileSync(file("other.key")) };
    expect(await ask(port, shown)).toMatchObject({ status: 200 });
  });

  it("takes over a certificate that was renewed, and goes on with the old one while the new does not fit its key", () => {
    const files = { certificateFile: file("live.crt"), keyFile: file("live.key") };
    const put = (name: string, end: "crt" | "key", time: number): void => {
      copyFileSync(file(`${name}.${end}`), file(`live.${end}`));
      utimesSync(file(`live.${end}`), time, time);
    };
    put("one", "crt", 1000);
    put("one", "key", 1000);
    const diag = recordingDiag();
    const context = readTlsFiles(files, diag, 0);
    const first = context.current();
    expect(context.changed()).toBeUndefined();
    put("other", "crt", 2000);
    expect(context.changed()).toBeUndefined();
    expect(context.current()).toBe(first);
    expect(diag.lines.join()).toContain("the changed certificate is not used");
    put("other", "key", 2000);
    expect(context.changed()).toBe(context.current());
    expect(context.current()).not.toBe(first);
  });

  it.each([
    [
      { certificateFile: "/nowhere/c.pem", keyFile: "/nowhere/k.pem" },
      'option "tls.certificateFile" must name a file that can be read',
    ],
    [
      { certificateFile: import.meta.filename, keyFile: import.meta.filename },
      'option "tls" must name a certificate and its own key',
    ],
  ])("fails at the start when it cannot be had: %j", (tls, message) => {
    const exporter = prometheus({ port: 0, tls });
    const context = { resourceAttributes: {}, namespace: "", diag: recordingDiag() };
    expect(() => exporter.createReader(context)).toThrow(message);
    expect(exporter.address()).toBeUndefined();
  });
});
