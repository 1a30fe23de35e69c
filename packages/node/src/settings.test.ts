import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { hideEnvironment } from "../test/support.ts";
import { disabledBy, readEnvironment } from "./environment.ts";
import { type Settings, settle } from "./settings.ts";
import type { StartOptions } from "./start-options.ts";

beforeEach(hideEnvironment);
afterEach(() => {
  vi.unstubAllEnvs();
});

function settings(environment: Record<string, string> = {}, options: StartOptions = {}): Settings {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  return settle(options, readEnvironment());
}

test("without a word from anybody, meters are scraped, spans are not sent and attribution labels the tenant", () => {
  expect(settings()).toMatchObject({
    exporters: ["prometheus"],
    exportersFrom: "the default",
    namespace: "",
    attributionLabels: ["tenant"],
    attributionBaggage: true,
    baggageHosts: [],
    baggageTrusted: false,
    instrumentations: undefined,
    seriesLimit: 2000,
    genaiSemconv: "dup",
    pricesFile: undefined,
    capture: { doors: ["fetch", "spans"], askForUsage: true, hosts: {}, models: [], tokenizer: "auto" },
    traces: { exporters: [] },
    shutdownTimeoutMillis: 3000,
    handleSignals: true,
    logLevel: "warn",
  });
});

test("what is captured is taken from options first, and both name hosts", () => {
  const environment = {
    METERBRIDGE_CAPTURE: "fetch",
    METERBRIDGE_CAPTURE_ASK_FOR_USAGE: "false",
    METERBRIDGE_CAPTURE_HOSTS: "llm.internal=openai,claude.internal:8080=anthropic",
    METERBRIDGE_CAPTURE_MODELS: "house-model",
    METERBRIDGE_PRICES_FILE: "prices.json",
  };
  const hosts = { "llm.internal": "openai", "claude.internal:8080": "anthropic" };
  expect(settings(environment)).toMatchObject({
    capture: { doors: ["fetch"], askForUsage: false, hosts, models: ["house-model"] },
    pricesFile: "prices.json",
  });
  const options = {
    capture: [],
    captureAskForUsage: true,
    captureHosts: { "llm.internal": "groq" },
    captureModels: [],
    pricesFile: "other.json",
  } as const;
  expect(settings(environment, options)).toMatchObject({
    capture: { doors: [], askForUsage: true, hosts: { ...hosts, "llm.internal": "groq" }, models: [] },
    pricesFile: "other.json",
  });
  expect(settings({ METERBRIDGE_CAPTURE: "none" }).capture.doors).toEqual([]);
});

test("hosts of attribution, trust in callers and instrumentations are taken from options first", () => {
  const environment = {
    METERBRIDGE_BAGGAGE_HOSTS: "*.Internal, localhost:8080",
    METERBRIDGE_BAGGAGE_TRUSTED: "true",
    METERBRIDGE_INSTRUMENTATIONS: "requests,pg",
  };
  expect(settings(environment)).toMatchObject({
    baggageHosts: [
      { name: ".internal", port: undefined },
      { name: "localhost", port: 8080 },
    ],
    baggageTrusted: true,
    instrumentations: ["requests", "pg"],
    instrumentationsFrom: "METERBRIDGE_INSTRUMENTATIONS",
  });
  const options: StartOptions = { baggageHosts: ["billing"], baggageTrusted: false, instrumentations: [] };
  expect(settings(environment, options)).toMatchObject({
    baggageHosts: [{ name: "billing", port: undefined }],
    baggageTrusted: false,
    instrumentations: [],
    instrumentationsFrom: `option "instrumentations"`,
  });
});

describe("an option wins over METERBRIDGE_*, which wins over OTEL_*", () => {
  const both = {
    METERBRIDGE_EXPORTERS: "otlp",
    OTEL_METRICS_EXPORTER: "console",
    METERBRIDGE_LOG_LEVEL: "error",
    OTEL_LOG_LEVEL: "debug",
    METERBRIDGE_GENAI_SEMCONV: "v1.41",
    OTEL_SEMCONV_STABILITY_OPT_IN: "gen_ai_latest_experimental",
    METERBRIDGE_TRACES_EXPORTER: "console",
    OTEL_TRACES_EXPORTER: "otlp",
  };
  test("METERBRIDGE_* over OTEL_*", () => {
    expect(settings(both)).toMatchObject({
      exporters: ["otlp"],
      exportersFrom: "METERBRIDGE_EXPORTERS",
      logLevel: "error",
      genaiSemconv: "v1.41",
      traces: { exporters: ["console"] },
    });
  });
  test("options over both", () => {
    const options: StartOptions = {
      exporters: ["prometheus"],
      logLevel: "none",
      genaiSemconv: "latest",
      traces: "none",
    };
    expect(settings(both, options)).toMatchObject({
      exporters: ["prometheus"],
      exportersFrom: 'option "exporters"',
      logLevel: "none",
      genaiSemconv: "latest",
      traces: { exporters: [] },
    });
  });
  test("OTEL_* over the defaults", () => {
    const environment = Object.entries(both).filter(([name]) => name.startsWith("OTEL_"));
    expect(settings(Object.fromEntries(environment))).toMatchObject({
      exporters: ["console"],
      exportersFrom: "OTEL_METRICS_EXPORTER",
      logLevel: "debug",
      genaiSemconv: "latest",
      traces: { exporters: ["otlp"] },
    });
  });
});

test.each([
  ["http/dup", "dup"],
  ["http,gen_ai_latest_experimental", "latest"],
  ["gen_ai_latest_experimental,gen_ai/dup", "dup"],
])("OTEL_SEMCONV_STABILITY_OPT_IN=%s records %s names of the GenAI conventions", (optIn, generation) => {
  expect(settings({ OTEL_SEMCONV_STABILITY_OPT_IN: optIn }).genaiSemconv).toBe(generation);
});

test.each(["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])(
  "naming an endpoint by %s switches traces on, unless they are switched off by name",
  (variable) => {
    expect(settings({ [variable]: "http://collector:4318" }).traces.exporters).toEqual(["otlp"]);
    expect(settings({ OTEL_TRACES_EXPORTER: "none" }).traces.exporters).toEqual([]);
  },
);

test("grpc, which we do not speak, is refused for traces, and is nobody's business when there are none", () => {
  expect(settings({ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }).traces.exporters).toEqual([]);
  expect(() => settings({ OTEL_TRACES_EXPORTER: "otlp" })).toThrow("traces cannot be sent by grpc");
});

test("an export of spans never outlasts the time that the last flush may take", () => {
  expect(settings({ OTEL_EXPORTER_OTLP_TIMEOUT: "60000" }).traces.timeoutMillis).toBe(2700);
});

test("exporters beside a meter provider of one's own are refused: they would get nothing", () => {
  const meterProvider = { getMeter: () => expect.unreachable() };
  expect(() => settings({}, { meterProvider, exporters: ["prometheus"] })).toThrow("exclude each other");
});

test("METERBRIDGE_DISABLED=false wins over OTEL_SDK_DISABLED=true, which may be meant for another SDK", () => {
  expect(disabledBy({ OTEL_SDK_DISABLED: true })).toBe("OTEL_SDK_DISABLED");
  expect(disabledBy({ METERBRIDGE_DISABLED: true })).toBe("METERBRIDGE_DISABLED");
  expect(disabledBy({ METERBRIDGE_DISABLED: false, OTEL_SDK_DISABLED: true })).toBeUndefined();
});
