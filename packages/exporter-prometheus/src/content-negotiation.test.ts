import { describe, expect, it } from "vitest";
import { chooseFormat } from "./content-negotiation.ts";

const prometheus3 =
  "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4," +
  "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";

describe("chooseFormat", () => {
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
  ])("answers Accept: %s with %s", (accept, format) => {
    expect(chooseFormat(accept)).toBe(format);
  });
});
