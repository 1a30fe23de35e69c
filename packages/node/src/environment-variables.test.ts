import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { environmentVariables } from "./environment-schema.ts";
import { parseEnvironment } from "./environment-variables.ts";

describe("a wrong variable ends with one line that says which, what was found and what is allowed", () => {
  test.each([
    ["METERBRIDGE_EXPORTERS", ","],
    ["METERBRIDGE_NAMESPACE", "voice agent"],
    ["METERBRIDGE_ATTRIBUTION_LABELS", "tenant,user"],
    ["METERBRIDGE_ATTRIBUTION_LABELS", "tenant,none"],
    ["METERBRIDGE_ATTRIBUTION_BAGGAGE", "yes"],
    ["METERBRIDGE_BAGGAGE_HOSTS", "http://billing.internal"],
    ["METERBRIDGE_BAGGAGE_HOSTS", "billing.internal,*."],
    ["METERBRIDGE_BAGGAGE_TRUSTED", "yes"],
    ["METERBRIDGE_INSTRUMENTATIONS", ","],
    ["METERBRIDGE_CAPTURE", "fetch,undici"],
    ["METERBRIDGE_CAPTURE", "fetch,none"],
    ["METERBRIDGE_CAPTURE_ASK_FOR_USAGE", "yes"],
    ["METERBRIDGE_CAPTURE_HOSTS", "llm.internal"],
    ["METERBRIDGE_CAPTURE_MODELS", ","],
    ["METERBRIDGE_CAPTURE_TOKENIZER", "tiktoken"],
    ["METERBRIDGE_SERIES_LIMIT", "1"],
    ["METERBRIDGE_SERIES_LIMIT", "2e3"],
    ["METERBRIDGE_GENAI_SEMCONV", "v2"],
    ["METERBRIDGE_LEDGER", "mysql"],
    ["METERBRIDGE_LEDGER_RETENTION_MONTHS", "0"],
    ["METERBRIDGE_LEDGER_COUNTERS", "memcached"],
    ["METERBRIDGE_TRACES_EXPORTER", "zipkin"],
    ["OTEL_TRACES_EXPORTER", "otlp,none"],
    ["OTEL_TRACES_EXPORTER", "otlp,otlp"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"],
    ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://collector"],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "protobuf"],
    ["OTEL_EXPORTER_OTLP_TIMEOUT", "10s"],
    ["OTEL_TRACES_SAMPLER", "sometimes"],
    ["OTEL_TRACES_SAMPLER_ARG", "1.5"],
    ["OTEL_METRIC_EXPORT_INTERVAL", "0"],
    ["OTEL_RESOURCE_ATTRIBUTES", "team"],
    ["OTEL_RESOURCE_ATTRIBUTES", "team=a=b"],
    ["OTEL_RESOURCE_ATTRIBUTES", "team=%E0%A4%A"],
    ["METERBRIDGE_LOG_LEVEL", "loud"],
    ["METERBRIDGE_SHUTDOWN_TIMEOUT", "-1"],
    ["METERBRIDGE_HANDLE_SIGNALS", "1"],
    ["METERBRIDGE_DISABLED", "1"],
    ["OTEL_SDK_DISABLED", "on"],
  ])("%s=%s", (name, found) => {
    const allowed = environmentVariables.find((variable) => variable.name === name)?.allowed;
    expect(() => parseEnvironment({ [name]: found })).toThrow(
      new Error(`[meterbridge] ${name} must be ${allowed}, found "${found}"`),
    );
  });
});

test.each([
  ["user:s3cret@collector:4318", "…@collector:4318"],
  ["ftp://user:s3cr@t@collector:4318/?token=s3cret", "ftp://…@collector:4318/?…"],
])("an endpoint that is refused, %s, is told without its credentials", (given, told) => {
  const parse = () => parseEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: given });
  expect(parse).toThrow(
    new Error(`[meterbridge] OTEL_EXPORTER_OTLP_ENDPOINT must be an http:// or https:// URL, found "${told}"`),
  );
});

test("an empty variable counts as unset, as OpenTelemetry has it", () => {
  expect(parseEnvironment({ METERBRIDGE_SERIES_LIMIT: "", OTEL_SERVICE_NAME: "  " })).toEqual({});
});

test("values may be padded and written in any case, and lists may have a comma too many", () => {
  const values = parseEnvironment({
    METERBRIDGE_EXPORTERS: " prometheus , otlp, ",
    METERBRIDGE_DISABLED: "FALSE",
    METERBRIDGE_ATTRIBUTION_LABELS: "none",
    METERBRIDGE_SERIES_LIMIT: "500",
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=production, note=a%2Cb%3Dc",
  });
  expect(values).toEqual({
    METERBRIDGE_EXPORTERS: ["prometheus", "otlp"],
    METERBRIDGE_DISABLED: false,
    METERBRIDGE_ATTRIBUTION_LABELS: [],
    METERBRIDGE_SERIES_LIMIT: 500,
    OTEL_RESOURCE_ATTRIBUTES: { "deployment.environment.name": "production", note: "a,b=c" },
  });
});

test("the documentation's table of variables is the one that the code obeys", () => {
  const documentation = readFileSync(path.join(import.meta.dirname, "../../../docs/node.md"), "utf8");
  const rows = documentation.split("\n").filter((line) => /^\| `(METERBRIDGE|OTEL)_/.test(line));
  const expected = environmentVariables.map(
    ({ name, sets, allowed, otherwise }) => `| \`${name}\` | ${sets} | ${allowed} | ${otherwise || "–"} |`,
  );
  expect(rows.map((row) => row.replaceAll(/ +/g, " "))).toEqual(expected);
});
