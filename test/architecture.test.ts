import { globSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type PackageManifest, violations } from "./support/import-table.ts";
import { type Import, importsOf } from "./support/imports.ts";

const packagesDirectory = path.join(import.meta.dirname, "../packages");
const packages = readdirSync(packagesDirectory);

function manifestOf(name: string): PackageManifest {
  return JSON.parse(readFileSync(path.join(packagesDirectory, name, "package.json"), "utf8"));
}

function sourceImportsOf(name: string): Import[] {
  const directory = path.join(packagesDirectory, name);
  const files = globSync("src/**/*.ts", { cwd: directory, exclude: ["**/*.test.ts", "**/*.test-d.ts"] });
  return files.flatMap((file) => importsOf(directory, path.join(directory, file)));
}

describe("the import table", () => {
  test.each(packages)("%s depends on, and imports, nothing outside its row", (name) => {
    expect(violations(manifestOf(name), sourceImportsOf(name))).toEqual([]);
  });

  test("core drags nothing into an application but the OpenTelemetry API it already has", () => {
    const core = manifestOf("core");
    expect(core.dependencies).toBeUndefined();
    expect(core.peerDependencies).toEqual({ "@opentelemetry/api": "^1.9.0" });
  });
});

describe("the check itself", () => {
  const dependencies = { "@opentelemetry/api": "1", "@opentelemetry/sdk-metrics": "3", "@meterbridge/exporter": "1" };
  const check = (name: string, source: string): string[] =>
    violations({ name: `@meterbridge/${name}`, dependencies }, planted(name, source)).filter((line) =>
      line.includes(":"),
    );

  test.each([
    ["a static import", `import { MeterProvider } from "@opentelemetry/sdk-metrics";`],
    ["an import of a sub-path", `import { MeterProvider } from "@opentelemetry/sdk-metrics/build";`],
    ["an import for its effect", `import "@opentelemetry/sdk-metrics";`],
    ["a type", `import type { MeterProvider } from "@opentelemetry/sdk-metrics";`],
    ["a type written in place", `export type Provider = import("@opentelemetry/sdk-metrics").MeterProvider;`],
    ["a re-export", `export { MeterProvider } from "@opentelemetry/sdk-metrics";`],
    ["a re-export of everything", `export * from "@opentelemetry/sdk-metrics";`],
    ["a dynamic import", `export const load = () => import("@opentelemetry/sdk-metrics");`],
    ["a require", `createRequire(import.meta.url)("@opentelemetry/sdk-metrics");`],
  ])("core cannot hide the SDK behind %s", (_way, source) => {
    expect(check("core", source)).toEqual(["core: src/planted.ts:1 may not import @opentelemetry/sdk-metrics"]);
  });

  test("core cannot import a Node.js module, which would tie it to one runtime", () => {
    expect(check("core", `\nimport { join } from "node:path";`)).toEqual([
      "core: src/planted.ts:2 may not import Node.js modules: node:path",
    ]);
  });

  test("an exporter cannot reach into another package's files", () => {
    expect(check("exporter-otlp", `import { llm } from "../../core/src/llm.ts";`)).toEqual([
      "exporter-otlp: src/planted.ts:1 reaches out of its package: ../../core/src/llm.ts",
    ]);
  });

  test("the contract cannot grow code by importing more than types", () => {
    expect(check("exporter", `import { MeterProvider } from "@opentelemetry/sdk-metrics";`)).toEqual([
      "exporter: src/planted.ts:1 may import the types of @opentelemetry/sdk-metrics alone",
    ]);
    expect(check("exporter", `import type { MeterProvider } from "@opentelemetry/sdk-metrics";`)).toEqual([]);
  });

  test("a package that is declared for tests alone cannot be imported by what is published", () => {
    const manifest = { name: "@meterbridge/exporter-otlp", devDependencies: { "@opentelemetry/api": "1" } };
    expect(violations(manifest, planted("exporter-otlp", `import { diag } from "@opentelemetry/api";`))).toEqual([
      "exporter-otlp: src/planted.ts:1 imports @opentelemetry/api, which is not among its dependencies",
    ]);
  });

  test("a package outside its row is refused in package.json already", () => {
    const manifest = { name: "@meterbridge/node", dependencies: { "@meterbridge/exporter-otlp": "1" } };
    expect(violations(manifest, [])).toEqual(["node may not depend on @meterbridge/exporter-otlp"]);
  });

  test("what may only be loaded when needed cannot be imported statically", () => {
    const manifest = { name: "@meterbridge/genai", dependencies: { "@pydantic/genai-prices": "1" } };
    const source = `import { calcPrice } from "@pydantic/genai-prices";`;
    expect(violations(manifest, planted("genai", source))).toEqual([
      "genai: src/planted.ts:1 may load @pydantic/genai-prices only when it is needed",
    ]);
    expect(
      violations(manifest, planted("genai", `export const load = () => import("@pydantic/genai-prices");`)),
    ).toEqual([]);
  });

  test("a peer of the benchmarks cannot become somebody else's, not even for tests", () => {
    const manifest = { name: "@meterbridge/exporter-prometheus", devDependencies: { "prom-client": "15" } };
    expect(violations(manifest, [])).toEqual(["exporter-prometheus depends on prom-client, a peer of benchmarks"]);
  });

  test("a new package without a row is refused", () => {
    expect(violations({ name: "@meterbridge/surprise" }, [])).toEqual(["surprise has no row in the import table"]);
  });
});

function planted(name: string, source: string): Import[] {
  const directory = path.join(packagesDirectory, name);
  return importsOf(directory, path.join(directory, "src/planted.ts"), source);
}
