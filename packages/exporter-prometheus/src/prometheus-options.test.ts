import { describe, expect, it } from "vitest";
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
      withScopeInfo: false,
      withTargetInfo: true,
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
        'withScopeInfo, withTargetInfo, cardinalityLimit, found "prot"',
    ],
    ["9464", 'options must be an object, found "9464"'],
  ])("refuses %j in one line that says what is allowed", (options, message) => {
    expect(messageOf(options)).toBe(`[meterbridge] [prometheus] ${message}`);
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
