import { isBuiltin } from "node:module";
import type { Import } from "./imports.ts";

/** What a package's row allows its source (tests aside) and its `package.json` to name. `*` ends a prefix. */
export interface Row {
  /** May be imported in any way. */
  readonly any?: readonly string[];
  /** May be imported for its types alone. */
  readonly types?: readonly string[];
  /** May be loaded when it is needed, never by a static import: who does not use it pays nothing at start. */
  readonly lazily?: readonly string[];
  /** Whether Node.js's own modules may be imported. Default true. */
  readonly builtins?: false;
}

export interface PackageManifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const api = "@opentelemetry/api";
const openTelemetry = "@opentelemetry/*";
// The one schema library, for what comes from outside: options, environment, configuration.
const schemas = "valibot";
// The build bundles these (rolldown.config.ts), so that they are declared for development alone.
const bundled: readonly string[] = [schemas, "@valibot/to-json-schema", "kysely", "temporal-polyfill"];

/** Who may import what. A package without a row may import nothing. */
const importTable: Readonly<Record<string, Row>> = {
  core: { any: [api], builtins: false },
  "sdk-metrics": { any: [api, "@opentelemetry/sdk-metrics", "@opentelemetry/resources"] },
  exporter: { types: [api, "@opentelemetry/sdk-metrics"], builtins: false },
  "exporter-prometheus": { any: ["@meterbridge/exporter", openTelemetry, schemas] },
  "exporter-otlp": { any: ["@meterbridge/exporter", openTelemetry, schemas] },
  "exporter-datadog": {
    any: ["@meterbridge/exporter", "@meterbridge/exporter-otlp", openTelemetry, schemas],
    // Only where DogStatsD is asked for.
    lazily: ["hot-shots"],
  },
  node: {
    any: [
      "@meterbridge/exporter",
      "@meterbridge/sdk-metrics",
      "@meterbridge/core",
      "@meterbridge/genai",
      openTelemetry,
      schemas,
    ],
    // The parser of configuration files, where there is one.
    lazily: ["@meterbridge/http", "yaml"],
  },
  // Whoever imports core passes core's peer on.
  genai: { any: ["@meterbridge/core", api, schemas], lazily: ["@pydantic/genai-prices"] },
  http: {
    any: ["@meterbridge/core", api, schemas, "pino"],
    types: ["@meterbridge/ledger"],
    lazily: ["@valibot/to-json-schema"],
  },
  // Clients of databases are passed in, or loaded by the entry point that was asked to open one.
  ledger: {
    any: [api, schemas],
    types: ["@meterbridge/core"],
    lazily: ["kysely", "temporal-polyfill", "better-sqlite3", "pg", "ioredis"],
  },
  monitoring: { any: ["@meterbridge/core", api] },
  console: { types: ["@meterbridge/http"] },
  // An exporter is tried under a meter provider.
  testkit: {
    any: ["@meterbridge/exporter", "@meterbridge/sdk-metrics", openTelemetry, "fast-check", "vitest"],
    types: ["@meterbridge/ledger"],
  },
  benchmarks: { any: ["*"] },
  cli: { any: ["@meterbridge/*"] },
};

/** Measured beside us, and heavy: nobody but `benchmarks` may depend on them, not even for tests. */
const peersOfBenchmarks: readonly string[] = [
  "@opentelemetry/auto-instrumentations-node",
  "@opentelemetry/sdk-node",
  "prom-client",
];

/** One sentence for each way in which a package breaks its row; none when it keeps it. */
export function violations(
  manifest: PackageManifest,
  imports: readonly Import[],
  table: Readonly<Record<string, Row>> = importTable,
): string[] {
  const name = manifest.name.replace("@meterbridge/", "");
  const row = table[name];
  if (row === undefined) return [`${name} has no row in the import table`];
  const shipped = Object.keys({
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
  });
  const found = shipped
    .filter((dependency) => !covers([...(row.any ?? []), ...(row.types ?? []), ...(row.lazily ?? [])], dependency))
    .map((dependency) => `${name} may not depend on ${dependency}`);
  if (name !== "benchmarks") {
    for (const dependency of Object.keys({ ...manifest.devDependencies, ...manifest.dependencies })) {
      if (peersOfBenchmarks.includes(dependency)) found.push(`${name} depends on ${dependency}, a peer of benchmarks`);
    }
  }
  for (const each of imports) {
    const reason = objection(each, manifest.name, row, shipped);
    if (reason !== undefined) found.push(`${name}: ${each.file}:${each.line} ${reason}`);
  }
  return found;
}

function objection(each: Import, self: string, row: Row, shipped: readonly string[]): string | undefined {
  const { specifier } = each;
  if (specifier.startsWith(".")) {
    return each.leavesPackage ? `reaches out of its package: ${specifier}` : undefined;
  }
  if (isBuiltin(specifier)) {
    return row.builtins === false ? `may not import Node.js modules: ${specifier}` : undefined;
  }
  const target = packageOf(specifier);
  if (target === self) return undefined;
  if (!shipped.includes(target) && !bundled.includes(target))
    return `imports ${target}, which is not among its dependencies`;
  if (covers(row.any, target)) return undefined;
  if (covers(row.types, target)) {
    return each.kind === "types" ? undefined : `may import the types of ${target} alone`;
  }
  if (covers(row.lazily, target)) {
    return each.kind === "static" ? `may load ${target} only when it is needed` : undefined;
  }
  return `may not import ${target}`;
}

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function covers(patterns: readonly string[] | undefined, name: string): boolean {
  return (patterns ?? []).some((pattern) =>
    pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
}
