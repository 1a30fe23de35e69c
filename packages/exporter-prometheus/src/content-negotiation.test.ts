import { describe, expect, it } from "vitest";
import { acceptsGzip, chooseExposition } from "./content-negotiation.ts";

const prometheus3 =
  "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4," +
  "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";

const protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
const protobufType = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

describe("chooseExposition", () => {
  it.each([
    [undefined, "text"],
    [null, "text"],
    ["", "text"],
    ["*/*", "text"],
    ["text/plain", "text"],
    ["text/html,application/xhtml+xml,*/*;q=0.8", "text"],
    ["image/png", "text"],
    [prometheus3, "openmetrics"],
    ["application/openmetrics-text", "openmetrics"],
    ["application/openmetrics-text; version=1.0.0; charset=utf-8", "openmetrics"],
    ['application/openmetrics-text; version="1.0.0"', "openmetrics"],
    ["APPLICATION/OpenMetrics-Text", "openmetrics"],
    ["application/openmetrics-text;version=0.0.1", "text"],
    ["application/openmetrics-text;version=2.0.0", "text"],
    ["application/openmetrics-text;q=0", "text"],
    ["application/openmetrics-text;q=0.3,text/plain;q=0.5", "text"],
    ["text/plain;q=0.5,application/openmetrics-text;q=0.5", "text"],
    ["application/openmetrics-text,text/plain", "openmetrics"],
    ["application/openmetrics-text;q=abc", "text"],
    ["application/openmetrics-text;q=7", "text"],
    [";;;,,=;q", "text"],
    [`${protobuf};q=0.6,${prometheus3}`, "protobuf"],
    ["application/vnd.google.protobuf", "protobuf"],
    ["application/vnd.google.protobuf;encoding=text", "text"],
    ["application/vnd.google.protobuf;proto=other.Message", "text"],
    ["text/plain;version=1.0.0", "text"],
    ["text/plain;version=9", "text"],
  ])("answers Accept: %s with %s", (accept, format) => {
    expect(chooseExposition(accept).format).toBe(format);
  });

  it.each([
    [prometheus3, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"],
    ["text/plain;version=1.0.0;escaping=values", "text/plain; version=1.0.0; charset=utf-8; escaping=values"],
    ["text/plain;version=0.0.4;escaping=dots", "text/plain; version=0.0.4; charset=utf-8; escaping=dots"],
    // Quotes around names would break a reader of 0.0.4.
    ["text/plain;version=0.0.4;escaping=allow-utf-8", "text/plain; version=0.0.4; charset=utf-8"],
    ["text/plain;version=1.0.0;escaping=rot13", "text/plain; version=1.0.0; charset=utf-8"],
    [`${protobuf};escaping=underscores`, `${protobufType}; escaping=underscores`],
  ])("says to who accepts %s that it is %s", (accept, contentType) => {
    expect(chooseExposition(accept).contentType).toBe(contentType);
  });
});

describe("acceptsGzip", () => {
  it.each([
    ["gzip", true],
    ["br, gzip;q=0.5", true],
    ["GZIP", true],
    ["gzip;q=0", false],
    ["deflate", false],
    [undefined, false],
    ["", false],
  ])("reads Accept-Encoding: %s as %s", (header, expected) => {
    expect(acceptsGzip(header)).toBe(expected);
  });
});
