import { describe, expect, it } from "vitest";
import { resolveSettings } from "./settings.ts";

const general = "OTEL_EXPORTER_OTLP_";
const metrics = "OTEL_EXPORTER_OTLP_METRICS_";

describe("settings", () => {
  it("send protobuf to a collector on this machine each minute when nothing is set", () => {
    const settings = resolveSettings({}, {});

    expect(settings).toEqual({
      url: new URL("http://localhost:4318/v1/metrics"),
      protocol: "http/protobuf",
      headers: {},
      compression: "none",
      temporality: "cumulative",
      exportIntervalMillis: 60_000,
      exportTimeoutMillis: 10_000,
      shutdownTimeoutMillis: 3000,
      tlsFiles: { certificate: undefined, clientCertificate: undefined, clientKey: undefined },
    });
  });

  it("take each option", () => {
    const settings = resolveSettings(
      {
        url: "https://otlp.example.com/custom",
        protocol: "http/json",
        headers: { "X-Key": "secret" },
        compression: "gzip",
        temporality: "delta",
        exportIntervalMillis: 5000,
        exportTimeoutMillis: 4000,
        certificate: "ca.pem",
        clientCertificate: "cert.pem",
        clientKey: "key.pem",
        shutdownTimeoutMillis: 1000,
      },
      {},
    );

    expect(settings).toEqual({
      url: new URL("https://otlp.example.com/custom"),
      protocol: "http/json",
      headers: { "x-key": "secret" },
      compression: "gzip",
      temporality: "delta",
      exportIntervalMillis: 5000,
      exportTimeoutMillis: 4000,
      shutdownTimeoutMillis: 1000,
      tlsFiles: {
        certificate: { path: "ca.pem", who: 'option "certificate"' },
        clientCertificate: { path: "cert.pem", who: 'option "clientCertificate"' },
        clientKey: { path: "key.pem", who: 'option "clientKey"' },
      },
    });
  });

  it.each([
    ["PROTOCOL", "http/json", "protocol", "http/json"],
    ["COMPRESSION", "gzip", "compression", "gzip"],
    ["TIMEOUT", "1234", "exportTimeoutMillis", 1234],
    ["CERTIFICATE", "ca.pem", "tlsFiles.certificate.path", "ca.pem"],
  ] as const)("take %s from the general variable, the metrics one over it", (suffix, value, setting, expected) => {
    expect(resolveSettings({}, { [general + suffix]: value })).toHaveProperty(setting, expected);
    expect(resolveSettings({}, { [general + suffix]: "wrong", [metrics + suffix]: value })).toHaveProperty(
      setting,
      expected,
    );
  });

  it.each([
    [{ [`${general}ENDPOINT`]: "http://collector:4318" }, "http://collector:4318/v1/metrics"],
    [{ [`${general}ENDPOINT`]: "http://collector:4318/" }, "http://collector:4318/v1/metrics"],
    [{ [`${general}ENDPOINT`]: "http://collector:4318/otlp" }, "http://collector:4318/otlp/v1/metrics"],
    [{ [`${metrics}ENDPOINT`]: "http://collector:4318/otlp" }, "http://collector:4318/otlp"],
    [{ [`${metrics}ENDPOINT`]: "http://one:1/a", [`${general}ENDPOINT`]: "http://two:2" }, "http://one:1/a"],
    [{ [`${metrics}ENDPOINT`]: " ", [`${general}ENDPOINT`]: "http://two:2" }, "http://two:2/v1/metrics"],
  ])("read the endpoint %j as %s", (environment, url) => {
    expect(resolveSettings({}, environment).url.href).toBe(url);
  });

  it("let an option win over both variables", () => {
    const environment = { [`${general}ENDPOINT`]: "http://two:2", [`${metrics}ENDPOINT`]: "http://one:1" };

    expect(resolveSettings({ url: "http://three:3/v1/metrics" }, environment).url.host).toBe("three:3");
  });

  it("treat an undefined option and an empty variable as unset", () => {
    expect(resolveSettings({ protocol: undefined }, { [`${general}PROTOCOL`]: "" }).protocol).toBe("http/protobuf");
  });

  it("read the interval, the temporality and the reader's timeout from their variables", () => {
    const settings = resolveSettings(
      {},
      {
        OTEL_METRIC_EXPORT_INTERVAL: "5000",
        OTEL_METRIC_EXPORT_TIMEOUT: "3000",
        [`${metrics}TEMPORALITY_PREFERENCE`]: "LowMemory",
      },
    );

    expect(settings).toMatchObject({
      exportIntervalMillis: 5000,
      exportTimeoutMillis: 3000,
      temporality: "lowmemory",
    });
  });

  it("shorten a timeout that nobody chose for metrics to the interval", () => {
    expect(resolveSettings({ exportIntervalMillis: 500 }, {}).exportTimeoutMillis).toBe(500);
    expect(resolveSettings({ exportIntervalMillis: 500 }, { [`${general}TIMEOUT`]: "10000" }).exportTimeoutMillis).toBe(
      500,
    );
  });

  it("merge headers name by name, whatever their case", () => {
    const settings = resolveSettings(
      { headers: { C: "option" } },
      { [`${general}HEADERS`]: "a=1,B=general,c=general", [`${metrics}HEADERS`]: "b=metrics" },
    );

    expect(settings.headers).toEqual({ a: "1", b: "metrics", c: "option" });
  });
});

describe("a wrong setting ends the start with one line", () => {
  it.each<[string, object, Record<string, string>]>([
    [
      'option "protocol" must be "http/protobuf" or "http/json", found "grpc": for gRPC use http/protobuf instead, which collectors take on port 4318',
      { protocol: "grpc" },
      {},
    ],
    [
      `${general}PROTOCOL must be "http/protobuf" or "http/json", found "grpc": for gRPC use http/protobuf instead, which collectors take on port 4318`,
      {},
      { [`${general}PROTOCOL`]: "grpc" },
    ],
    [
      `${metrics}PROTOCOL must be "http/protobuf" or "http/json", found "http"`,
      {},
      { [`${metrics}PROTOCOL`]: "http", [`${general}PROTOCOL`]: "http/json" },
    ],
    ['option "compression" must be "gzip" or "none", found "brotli"', { compression: "brotli" }, {}],
    [`${general}COMPRESSION must be "gzip" or "none", found "zstd"`, {}, { [`${general}COMPRESSION`]: "zstd" }],
    ['option "temporality" must be "cumulative" or "delta" or "lowmemory", found 1', { temporality: 1 }, {}],
    [
      `${metrics}TEMPORALITY_PREFERENCE must be "cumulative" or "delta" or "lowmemory", found "Sum"`,
      {},
      { [`${metrics}TEMPORALITY_PREFERENCE`]: "Sum" },
    ],
    [
      'option "url" must be a URL that begins with http:// or https://, found "collector:4318"',
      { url: "collector:4318" },
      {},
    ],
    [
      `${general}ENDPOINT must be a URL that begins with http:// or https://, found "localhost:4318"`,
      {},
      { [`${general}ENDPOINT`]: "localhost:4318" },
    ],
    [
      `${metrics}ENDPOINT must be a URL that begins with http:// or https://, found "grpc://…@collector?…"`,
      {},
      { [`${metrics}ENDPOINT`]: "grpc://user:hunter2@collector?api-key=hunter2" },
    ],
    [
      `${metrics}ENDPOINT must be a URL that begins with http:// or https://, found "…@collector:4318"`,
      {},
      { [`${metrics}ENDPOINT`]: "user:hunter2@collector:4318" },
    ],
    [
      `${metrics}ENDPOINT must be a URL that begins with http:// or https://, found "grpc://…@collector/?…"`,
      {},
      { [`${metrics}ENDPOINT`]: "grpc://user:h@hunter2@collector/?api-key=hunter2" },
    ],
    [
      'option "exportIntervalMillis" must be a whole number of milliseconds from 1 to 2147483647, found 0',
      { exportIntervalMillis: 0 },
      {},
    ],
    [
      'option "exportIntervalMillis" must be a whole number of milliseconds from 1 to 2147483647, found "60s"',
      { exportIntervalMillis: "60s" },
      {},
    ],
    [
      'OTEL_METRIC_EXPORT_INTERVAL must be a whole number of milliseconds from 1 to 2147483647, found "60s"',
      {},
      { OTEL_METRIC_EXPORT_INTERVAL: "60s" },
    ],
    [
      `${general}TIMEOUT must be a whole number of milliseconds from 1 to 2147483647, found "-1"`,
      {},
      { [`${general}TIMEOUT`]: "-1" },
    ],
    [
      'option "exportTimeoutMillis" must be at most the export interval of 1000 ms, found 2000',
      { exportIntervalMillis: 1000, exportTimeoutMillis: 2000 },
      {},
    ],
    [
      "OTEL_METRIC_EXPORT_TIMEOUT must be at most the export interval of 60000 ms, found 90000",
      {},
      { OTEL_METRIC_EXPORT_TIMEOUT: "90000" },
    ],
    [
      'option "shutdownTimeoutMillis" must be a whole number of milliseconds from 1 to 2147483647, found Infinity',
      { shutdownTimeoutMillis: Number.POSITIVE_INFINITY },
      {},
    ],
    ['option "certificate" must be the path of a PEM file, found ""', { certificate: "" }, {}],
    [
      'option "clientKey" must be set together with its certificate, found no certificate',
      { clientKey: "key.pem" },
      {},
    ],
    [
      `${general}CLIENT_CERTIFICATE must be set together with its key, found no key`,
      {},
      { [`${general}CLIENT_CERTIFICATE`]: "cert.pem" },
    ],
    [
      'an option must be one of url, protocol, headers, compression, temporality, exportIntervalMillis, exportTimeoutMillis, certificate, clientCertificate, clientKey, shutdownTimeoutMillis, found "endpoint"',
      { endpoint: "http://collector:4318" },
      {},
    ],
  ])("%s", (message, options, environment) => {
    expect(() => resolveSettings(options, environment)).toThrow(new Error(`[meterbridge] [otlp] ${message}`));
  });
});

describe("a wrong header is told without its value", () => {
  it.each<[string, object, Record<string, string>]>([
    [
      `${general}HEADERS must be written name=value,name=value (percent-encode "," as %2C and ";" as %3B), pair 2 is not`,
      {},
      { [`${general}HEADERS`]: "a=1,hunter2" },
    ],
    [
      `${metrics}HEADERS must be written name=value,name=value (percent-encode "," as %2C and ";" as %3B), pair 1 is not`,
      {},
      { [`${metrics}HEADERS`]: "api-key=;hunter2" },
    ],
    [
      `${metrics}HEADERS must be percent-encoded correctly, pair 1 is not`,
      {},
      { [`${metrics}HEADERS`]: "api-key=hunter2%zz" },
    ],
    [
      `${metrics}HEADERS: the value of "api-key" must be text without line breaks or control characters`,
      {},
      { [`${metrics}HEADERS`]: "api-key=hunter2%0Ax-evil:1" },
    ],
    [
      'option "headers": the value of "api-key" must be text without line breaks or control characters',
      { headers: { "api-key": "hunter2\n" } },
      {},
    ],
    ['option "headers" must have valid HTTP header names, found "api key"', { headers: { "api key": "hunter2" } }, {}],
    ['option "headers" must be an object of header names and values', { headers: "api-key=hunter2" }, {}],
  ])("%s", (message, options, environment) => {
    expect(() => resolveSettings(options, environment)).toThrow(new Error(`[meterbridge] [otlp] ${message}`));
    expect(message).not.toContain("hunter2");
  });
});
