import { describe, expect, it } from "vitest";
import { unknownVariables } from "./environment.ts";
import { type PrometheusOptions, resolveOptions } from "./prometheus-options.ts";

const messageOf = (options: unknown, environment: NodeJS.ProcessEnv = {}): string => {
  try {
    resolveOptions(options as PrometheusOptions, environment);
  } catch (error) {
    return (error as Error).message;
  }
  return "nothing was thrown";
};

describe("resolveOptions", () => {
  it("listens on loopback only unless told otherwise", () => {
    expect(resolveOptions({}, {})).toEqual({
      host: "127.0.0.1",
      port: 9464,
      path: "/metrics",
      healthPath: "/health",
      server: true,
      scrapeTimeoutMillis: 10_000,
      translationStrategy: "UnderscoreEscapingWithSuffixes",
      withScopeInfo: false,
      withTargetInfo: true,
      withCreated: false,
      compression: true,
      labelCacheBytes: 67_108_864,
      cardinalityLimit: 10_000,
    });
  });

  it("takes options before METERBRIDGE variables before OpenTelemetry's, and empty variables for unset", () => {
    const openTelemetry = { OTEL_EXPORTER_PROMETHEUS_HOST: "10.0.0.1", OTEL_EXPORTER_PROMETHEUS_PORT: "1000" };
    const both = { ...openTelemetry, METERBRIDGE_PROMETHEUS_HOST: "10.0.0.2", METERBRIDGE_PROMETHEUS_PORT: "2000" };
    expect(resolveOptions({}, openTelemetry)).toMatchObject({ host: "10.0.0.1", port: 1000 });
    expect(resolveOptions({}, both)).toMatchObject({ host: "10.0.0.2", port: 2000 });
    expect(resolveOptions({ host: "::1", port: 0 }, both)).toMatchObject({ host: "::1", port: 0 });
    const empty = { ...openTelemetry, METERBRIDGE_PROMETHEUS_HOST: "", METERBRIDGE_PROMETHEUS_PORT: " " };
    expect(resolveOptions({}, empty)).toMatchObject({ host: "10.0.0.1", port: 1000 });
  });

  it.each([
    [{ port: "abc" }, 'option "port" must be an integer from 0 to 65535, found "abc"'],
    [{ port: 65_536 }, 'option "port" must be an integer from 0 to 65535, found 65536'],
    [{ port: 1.5 }, 'option "port" must be an integer from 0 to 65535, found 1.5'],
    [{ host: "" }, 'option "host" must be a host name or IP address, without scheme or port, found ""'],
    [{ host: "http://x" }, 'option "host" must be a host name or IP address, without scheme or port, found "http://x"'],
    [{ path: "metrics" }, 'option "path" must be a path that starts with "/", without "?" or "#", found "metrics"'],
    [{ path: "/health" }, 'options "path" and "healthPath" must differ, found "/health" for both'],
    [{ server: "no" }, 'option "server" must be true or false, found "no"'],
    [{ scrapeTimeoutMillis: 0 }, 'option "scrapeTimeoutMillis" must be an integer from 1 to 2147483647, found 0'],
    [
      { prot: 1 },
      'option "prot" is unknown, the options are host, port, path, healthPath, server, scrapeTimeoutMillis, ' +
        "translationStrategy, withScopeInfo, withTargetInfo, withCreated, compression, labelCacheBytes, cardinalityLimit, " +
        'bearerToken, basicAuth, tls, aggregate, found "prot"',
    ],
    [{ labelCacheBytes: -1 }, 'option "labelCacheBytes" must be a number of bytes, an integer from 0, found -1'],
    [
      { translationStrategy: "none" },
      'option "translationStrategy" must be one of UnderscoreEscapingWithSuffixes, UnderscoreEscapingWithoutSuffixes, ' +
        'NoUTF8EscapingWithSuffixes, NoTranslation, found "none"',
    ],
    [{ tls: { certificateFile: "c.pem" } }, 'option "tls.keyFile" is missing, found undefined'],
    [
      { aggregate: "processes" },
      'option "aggregate" must be cluster, threads, or an object of across, gauges, gaugeRules and deadlineMillis, ' +
        'found "processes"',
    ],
    ["9464", 'options must be an object, found "9464"'],
  ])("refuses %j in one line that says what is allowed", (options, message) => {
    expect(messageOf(options)).toBe(`[meterbridge] [prometheus] ${message}`);
  });

  it("takes every setting from the environment that a container would want to set", () => {
    const environment = {
      METERBRIDGE_PROMETHEUS_PATH: "/m",
      METERBRIDGE_PROMETHEUS_HEALTH_PATH: "/h",
      METERBRIDGE_PROMETHEUS_SCRAPE_TIMEOUT: "500",
      METERBRIDGE_PROMETHEUS_TRANSLATION_STRATEGY: "NoTranslation",
      METERBRIDGE_PROMETHEUS_SCOPE_INFO: "true",
      METERBRIDGE_PROMETHEUS_TARGET_INFO: "false",
      METERBRIDGE_PROMETHEUS_CREATED: "TRUE",
      METERBRIDGE_PROMETHEUS_COMPRESSION: "false",
      METERBRIDGE_PROMETHEUS_LABEL_CACHE_BYTES: "0",
      METERBRIDGE_PROMETHEUS_CARDINALITY_LIMIT: "5",
      METERBRIDGE_PROMETHEUS_BEARER_TOKEN: "s3cret",
      METERBRIDGE_PROMETHEUS_BASIC_AUTH: "ann:pass:word",
      METERBRIDGE_PROMETHEUS_TLS_CERTIFICATE_FILE: "c.pem",
      METERBRIDGE_PROMETHEUS_TLS_KEY_FILE: "k.pem",
      METERBRIDGE_PROMETHEUS_AGGREGATE: "cluster",
    };
    expect(unknownVariables(environment)).toEqual([]);
    expect(resolveOptions({}, environment)).toEqual({
      host: "127.0.0.1",
      port: 9464,
      path: "/m",
      healthPath: "/h",
      server: true,
      scrapeTimeoutMillis: 500,
      translationStrategy: "NoTranslation",
      withScopeInfo: true,
      withTargetInfo: false,
      withCreated: true,
      compression: false,
      labelCacheBytes: 0,
      cardinalityLimit: 5,
      bearerToken: "s3cret",
      basicAuth: { username: "ann", password: "pass:word" },
      tls: { certificateFile: "c.pem", keyFile: "k.pem" },
      aggregate: { across: "cluster", gauges: "sum", gaugeRules: {}, deadlineMillis: 1000 },
    });
  });

  it("asks for the other half of certificate and key, rather than to serve without TLS", () => {
    expect(messageOf({}, { METERBRIDGE_PROMETHEUS_TLS_KEY_FILE: "k.pem" })).toBe(
      "[meterbridge] [prometheus] METERBRIDGE_PROMETHEUS_TLS_CERTIFICATE_FILE must be set, too: HTTPS needs certificate and key",
    );
  });

  it.each([
    [{ bearerToken: "se cret" }, {}],
    [{ basicAuth: { username: "a:se cret", password: "se cret" } }, {}],
    [{}, { METERBRIDGE_PROMETHEUS_BEARER_TOKEN: "se cret" }],
    [{}, { METERBRIDGE_PROMETHEUS_BASIC_AUTH: "se cret" }],
  ])("never shows a secret that it refuses: %j %j", (options, environment) => {
    const message = messageOf(options, environment);
    expect(message).toContain("not shown here");
    expect(message).not.toContain("cret");
  });

  it("tells of a variable that is mistyped, which would have no effect in silence", () => {
    expect(unknownVariables({ METERBRIDGE_PROMETHEUS_PROT: "1", METERBRIDGE_EXPORTERS: "x" })).toEqual([
      expect.stringContaining(
        "METERBRIDGE_PROMETHEUS_PROT is not known and has no effect: the variables are METERBRIDGE_",
      ),
    ]);
  });

  it.each([
    ["METERBRIDGE_PROMETHEUS_PORT", "abc", "must be an integer from 0 to 65535"],
    ["METERBRIDGE_PROMETHEUS_PORT", "99999999999", "must be an integer from 0 to 65535"],
    ["OTEL_EXPORTER_PROMETHEUS_PORT", "-1", "must be an integer from 0 to 65535"],
    ["METERBRIDGE_PROMETHEUS_HOST", "a b", "must be a host name or IP address, without scheme or port"],
  ])("names the variable %s when its value %j is wrong", (variable, value, rule) => {
    const found = value === "99999999999" ? value : JSON.stringify(value);
    expect(messageOf({}, { [variable]: value })).toBe(`[meterbridge] [prometheus] ${variable} ${rule}, found ${found}`);
  });
});
