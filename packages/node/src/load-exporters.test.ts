import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Exporter } from "@meterbridge/exporter";
import { afterAll, describe, expect, test } from "vitest";
import { loadExporters } from "./load-exporters.ts";

const application = mkdtempSync(path.join(tmpdir(), "meterbridge-exporters-"));
afterAll(() => rmSync(application, { recursive: true, force: true }));

function install(name: string, source: string, manifest: object = { type: "module" }): void {
  const directory = path.join(application, "node_modules", name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, "package.json"), JSON.stringify({ name, exports: "./index.js", ...manifest }));
  writeFileSync(path.join(directory, "index.js"), source);
}

function exporter(name: string): string {
  return `({ specificationVersion: 1, name: ${JSON.stringify(name)}, createReader() { throw new Error("not here"); } })`;
}

function load(...names: (string | Exporter)[]): Exporter[] {
  const options = { askedBy: "METERBRIDGE_EXPORTERS", consoleIntervalMillis: 1000, directories: [application] };
  return loadExporters(names, options);
}

install("@meterbridge/exporter-prometheus", `export const createExporter = () => ${exporter("prometheus")};`);
install("@meterbridge/exporter-otlp", `export const createExporter = () => ${exporter("otlp")};`);
install("@acme/exporter", `export function createExporter() { return ${exporter("acme")}; }`);
install("acme-commonjs", `exports.createExporter = () => ${exporter("acme-commonjs")};`, {});
install("acme-nothing", `export const exporter = 1;`);
install(
  "acme-old",
  `export const createExporter = () => ({ specificationVersion: 0, name: "old", createReader() {} });`,
);
install(
  "acme-strict",
  `export const createExporter = () => { throw new Error('[meterbridge] [acme] "KEY" is missing'); };`,
);
install("acme-throws", `export const createExporter = () => { throw new TypeError("no key\\n at line 1"); };`);
install("acme-broken", `import "a-package-that-is-missing"; export const createExporter = 1;`);
install("acme-slow", `await 1; export const createExporter = () => ${exporter("slow")};`);

test("a short name, the name of any installed package and an exporter itself are all exporters", () => {
  const [mine] = load("@acme/exporter");
  if (mine === undefined) throw new Error("nothing was loaded");
  expect(load("otlp", "acme-commonjs", "console", mine).map(({ name }) => name)).toEqual([
    "otlp",
    "acme-commonjs",
    "console",
    "acme",
  ]);
});

test("a known exporter that is not installed is refused with the command that installs it", () => {
  const module = path.join(import.meta.dirname, "load-exporters.ts");
  const options = { askedBy: "METERBRIDGE_EXPORTERS", consoleIntervalMillis: 60_000, directories: [tmpdir()] };
  const source = `import { loadExporters } from ${JSON.stringify(module)};
    try { loadExporters(["otlp"], ${JSON.stringify(options)}); } catch (error) { process.stdout.write(error.message); }`;
  // Without NODE_PATH, which package managers set for scripts and by which everything is found from everywhere.
  const said = execFileSync(process.execPath, ["--conditions=@meterbridge/source", "--input-type=module"], {
    input: source,
    encoding: "utf8",
    env: {},
  });
  expect(said).toBe(
    `[meterbridge] METERBRIDGE_EXPORTERS names "otlp", which is @meterbridge/exporter-otlp, and it is not installed: ` +
      `run npm install @meterbridge/exporter-otlp. Known names: prometheus (not installed), otlp (not installed), datadog (not installed), ` +
      `console, none, and any installed package that exports createExporter`,
  );
});

test('"none" is no exporter', () => {
  expect(load("none")).toEqual([]);
});

describe("what cannot be loaded is refused in one line that says who asked for what, and what to do", () => {
  test.each([
    [
      ["promethues"],
      /names "promethues", which is neither a known name nor an installed package: check the spelling.* Known names: prometheus/,
    ],
    [["constructor"], /names "constructor", which is neither a known name nor an installed package/],
    [["otlp", "otlp"], `METERBRIDGE_EXPORTERS names "otlp" twice: name it once`],
    [
      ["otlp", "@meterbridge/exporter-otlp"],
      `METERBRIDGE_EXPORTERS names "@meterbridge/exporter-otlp" twice: name it once`,
    ],
    [["none", "otlp"], `METERBRIDGE_EXPORTERS names "none" together with others: name it alone`],
    [["acme-nothing"], /^\[meterbridge\] acme-nothing is not an exporter: it exports no function createExporter/],
    [
      ["acme-old"],
      "acme-old does not follow the exporter contract: specificationVersion must be 1, found 0, beside a name and createReader()",
    ],
    [["acme-strict"], `[acme] "KEY" is missing`],
    [["acme-throws"], `exporter "acme-throws" cannot be created: no key`],
    [
      ["acme-broken"],
      /^\[meterbridge\] exporter package acme-broken cannot be loaded \(.*\): .*a-package-that-is-missing/,
    ],
    [["acme-slow"], /^\[meterbridge\] exporter package acme-slow cannot be loaded .*await/],
  ])("%j", (names, message) => {
    let found = "";
    try {
      load(...names);
    } catch (error) {
      found = (error as Error).message;
    }
    expect(found).toMatch(
      typeof message === "string" ? new RegExp(`^${escape(`[meterbridge] ${message}`)}$`) : message,
    );
    expect(found).not.toContain("\n");
  });
});

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
