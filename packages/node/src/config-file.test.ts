import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readConfigFile, translateConfigFile } from "./config-file.ts";
import { parseConfigFile } from "./config-file-parse.ts";
import type { FileSettings } from "./config-file-settings.ts";

let directory = "";
beforeEach(() => void (directory = mkdtempSync(path.join(tmpdir(), "meterbridge-file-"))));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
});

const nothingSet = (): boolean => false;
const everything = path.join(import.meta.dirname, "../test/configuration-files/everything.yaml");

function write(text: string): string {
  const file = path.join(directory, "otel.yaml");
  writeFileSync(file, text);
  return file;
}

function read(text: string, isSet: (variable: string) => boolean = nothingSet): FileSettings {
  return readConfigFile(write(`file_format: "1.0"\n${text}`), isSet);
}

const reader = (exporter: string): string => `meter_provider: { readers: [{ periodic: { exporter: ${exporter} } }] }`;

describe("what stands in a file has its effect or is named: nothing is dropped in silence", () => {
  const { content } = parseConfigFile(everything);
  const whole = translateConfigFile("otel.yaml", content, nothingSet);
  // "type" says again what the value beside it is; another test has one that does not.
  const paths = pathsOf(content).filter((steps) => !(steps[0] === "resource" && steps.at(-1) === "type"));
  const places = whole.warnings.map((warning) => warning.slice("otel.yaml: ".length).split(/:? /)[0] ?? "");
  const before = effectOf(content);

  test("the example holds what the schema has", () => {
    expect(paths.length).toBeGreaterThan(200);
  });

  test.each(paths.map((steps) => [shownPath(steps), steps] as const))("%s", (shown, steps) => {
    // A mapping of which nothing has an effect is named by what is in it.
    const isNamed = places.some((place) => isWithin(shown, place) || (place !== shown && isWithin(place, shown)));
    expect(isNamed || effectOf(without(content, steps)) !== before).toBe(true);
  });

  test("what has no effect is told in one line each, with the place and what to do", () => {
    expect(whole.warnings).toContain(
      "otel.yaml: propagator.composite[1].b3 is not supported and has no effect: take tracecontext and baggage, or register its propagator before the start",
    );
    expect(whole.warnings.filter((warning) => !/^otel\.yaml: \S+ .+$/.test(warning))).toEqual([]);
  });
});

test("two readers of one kind are two exporters, each with its own settings", () => {
  const { exporters, warnings } = read(
    `meter_provider:
  readers:
    - periodic: { interval: 1000, exporter: { otlp_http: { endpoint: "http://a:4318/v1/metrics", timeout: 0 } } }
    - periodic: { exporter: { otlp_http: { endpoint: "http://b:4318/v1/metrics", temporality_preference: low_memory } } }`,
  );
  expect(exporters.map(({ exporterName, options }) => [exporterName, options])).toMatchObject([
    ["otlp", { url: "http://a:4318/v1/metrics", exportIntervalMillis: 1000, exportTimeoutMillis: 1000 }],
    ["otlp", { url: "http://b:4318/v1/metrics", exportIntervalMillis: 60_000, temporality: "lowmemory" }],
  ]);
  expect(warnings).toEqual([]);
});

test("variables are filled in, with their defaults, and a number stays a number", () => {
  vi.stubEnv("SHOP_PORT", "9999");
  const { exporters, resourceAttributes } = read(`resource:
  attributes: [{ name: team, value: "\${SHOP_TEAM:-blue}" }]
meter_provider:
  readers:
    - pull:
        exporter:
          prometheus/development:
            port: \${SHOP_PORT}`);
  expect(exporters[0]?.options).toEqual({ port: 9999 });
  expect(resourceAttributes).toEqual({ team: "blue" });
});

test("a variable of Meterbridge's wins over the file, setting by setting", () => {
  const text = `meter_provider: { readers: [{ pull: { exporter: { prometheus/development: { host: 0.0.0.0, port: 1 } } } }] }`;
  const { exporters } = read(text, (variable) => variable === "METERBRIDGE_PROMETHEUS_PORT");
  expect(exporters[0]?.options).toEqual({ host: "0.0.0.0" });
});

test("headers of the list are decoded, keep what follows an equals sign, and give way to those beside it", () => {
  const { exporters } = read(
    reader(
      `{ otlp_http: { headers_list: "authorization=Basic%20YTpi==,X-Team=red", headers: [{ name: x-team, value: blue }] } }`,
    ),
  );
  expect(exporters[0]?.options["headers"]).toEqual({ authorization: "Basic YTpi==", "x-team": "blue" });
});

test("a file format that is newer than ours is told", () => {
  const { warnings } = readConfigFile(write(`file_format: "1.9"\n`), nothingSet);
  expect(warnings).toEqual([expect.stringContaining(`file_format "1.9" has a newer minor version`)]);
});

describe("a file that cannot be used ends the start in one line that names the file and the place", () => {
  test.each([
    ["a file that is not YAML", `a: [`, /is not YAML: line 2, column 5: BAD_INDENT/],
    ["a name given twice", `disabled: true\ndisabled: false`, /is not YAML: line 3, column 1: DUPLICATE_KEY/],
    [
      "a misspelt key",
      `meter_provider: { readers: [], reader: 1 }`,
      /: meter_provider must NOT .* \(found readers, reader\)/,
    ],
    [
      "a wrong type",
      reader(`{ otlp_http: { timeout: soon } }`),
      /: meter_provider\.readers\[0\]\.periodic\.exporter\.otlp_http\.timeout must be integer,null/,
    ],
    [
      "grpc",
      reader(`{ otlp_grpc: }`),
      /: meter_provider\.readers\[0\]\.periodic\.exporter\.otlp_grpc cannot be used: take otlp_http/,
    ],
    [
      "an address that is none",
      reader(`{ otlp_http: { endpoint: "user:s3cret@collector:4318" } }`),
      /otlp_http\.endpoint must be a URL/,
    ],
    [
      "a header without a name",
      reader(`{ otlp_http: { headers_list: "s3cret" } }`),
      /headers_list must be written name=value/,
    ],
    [
      "a compression that is none",
      reader(`{ otlp_http: { compression: zstd } }`),
      /compression must be gzip or none, found "zstd"/,
    ],
    [
      "a key without its certificate",
      reader(`{ otlp_http: { tls: { key_file: key.pem } } }`),
      /tls must have cert_file and key_file together/,
    ],
    [
      "attributes that are none",
      `resource: { attributes_list: team }`,
      /resource\.attributes_list must be written key=value/,
    ],
    [
      "a value of another type",
      `resource: { attributes: [{ name: a, value: b, type: int }] }`,
      /resource\.attributes\[0\]\.value must be of the type int/,
    ],
    [
      "an exporter of spans that is none",
      `tracer_provider: { processors: [{ simple: { exporter: { zipkin: } } }] }`,
      /exporter\.zipkin is no exporter/,
    ],
    [
      "a certificate that is not there",
      `tracer_provider: { processors: [{ simple: { exporter: { otlp_http: { tls: { ca_file: /none.pem } } } } }] }`,
      /tls must name PEM files that can be used: ENOENT/,
    ],
    [
      "a substitution that is none",
      `resource: { attributes_list: "\${API-KEY:-s3cret}" }`,
      /invalid env var substitution/,
    ],
    [
      "a name for several meters",
      `meter_provider: { readers: [{ periodic: { exporter: { console: } } }], views: [{ selector: { instrument_name: "a*" }, stream: { name: b } }] }`,
      /views\[0\]\.stream\.name must have/,
    ],
  ])("%s", (_, text, message) => {
    const told = messageOf(() => read(text));
    expect(told).toMatch(message);
    expect(told).toMatch(/^\[meterbridge\] OTEL_CONFIG_FILE, \S+otel\.yaml.+$/);
    expect(told).not.toContain("s3cret");
  });

  test.each([
    ["no file", "/nowhere/otel.yaml", /\/nowhere\/otel\.yaml cannot be read \(ENOENT\)/],
    ["a directory", tmpdir(), /cannot be read \(EISDIR\)/],
  ])("%s", (_, file, message) => {
    expect(messageOf(() => readConfigFile(file, nothingSet))).toMatch(message);
  });

  test.each([
    ["an empty file", "", /must hold a mapping that begins with file_format/],
    ["a list", "- a", /must hold a mapping/],
    ["no file format", "disabled: false", /Unsupported file_format/],
    ["another generation", `file_format: "2.0"`, /Unsupported file_format: "2.0"/],
    [
      "aliases without end",
      `a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]`,
      /is not YAML that can be used/,
    ],
  ])("%s", (_, text, message) => {
    expect(messageOf(() => readConfigFile(write(text), nothingSet))).toMatch(message);
  });
});

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("nothing was refused");
}

type Step = string | number;

/** The steps to every key and item, outermost first. */
function pathsOf(content: unknown): Step[][] {
  if (typeof content !== "object" || content === null) return [];
  const entries: [Step, unknown][] = Array.isArray(content) ? [...content.entries()] : Object.entries(content);
  return entries.flatMap(([step, below]) => [[step], ...pathsOf(below).map((steps) => [step, ...steps])]);
}

function shownPath(steps: readonly Step[]): string {
  return steps
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`))
    .join("")
    .slice(1);
}

function isWithin(place: string, outer: string): boolean {
  return place === outer || place.startsWith(`${outer}.`) || place.startsWith(`${outer}[`);
}

function without(content: object, [step, ...rest]: readonly Step[]): Record<string, unknown> {
  const copy = structuredClone(content) as Record<Step, unknown>;
  if (rest.length > 0) copy[step as string] = without(copy[step as string] as object, rest);
  else if (Array.isArray(copy)) copy.splice(Number(step), 1);
  else delete copy[step as string];
  return copy;
}

/** The settings as text, functions by what they give. */
function effectOf(content: Readonly<Record<string, unknown>>): string {
  try {
    const settings = translateConfigFile("otel.yaml", content, nothingSet);
    const names = ["service.instance.id", "service.version", "host.name", "process.pid", "process.runtime.name"];
    const attributes = { "shop.user": 1, "shop.room": 2, other: 3 };
    const views = settings.views.map(({ attributesProcessors = [], ...view }) => [
      view,
      attributesProcessors.map(({ process }) => process(attributes)),
    ]);
    return JSON.stringify({ ...settings, warnings: [], views, detects: names.filter(settings.detects) });
  } catch (error) {
    return String(error);
  }
}
