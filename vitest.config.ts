import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import path from "node:path";
import { defineConfig, type ViteUserConfig } from "vitest/config";

// Tests run the source of every package, without a build. Without `module`, which Node.js does not know either.
const conditions = ["@meterbridge/source", "node"];

const olderGeneration = createRequire(path.join(import.meta.dirname, "test/otel-2/package.json"));
const older = ["api", "context-async-hooks", "core", "sdk-metrics"].map((name) => `@opentelemetry/${name}`);

const config: ViteUserConfig = defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // Vitest leaves a processor free, which of two is half of the time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // `.ci/run` counts from the file.
    reporters: process.env["CI"] === "true" ? ["default", ["json", { outputFile: ".ci/results.json" }]] : ["default"],
    projects: [
      {
        extends: true,
        test: {
          name: "otel-3",
          include: ["packages/*/{src,test}/**/*.test.ts", "examples/*/**/*.test.ts", "test/**/*.test.ts"],
          provide: { openTelemetry: { api: "1.10.0", sdk: "3.1.0" } },
        },
      },
      {
        // Core's users may still be on the older generation, so core's tests run once more on it.
        extends: true,
        resolve: {
          alias: older.map((name) => ({ find: new RegExp(`^${name}$`), replacement: olderGeneration.resolve(name) })),
        },
        test: {
          name: "otel-2",
          include: ["packages/core/{src,test}/**/*.test.ts"],
          provide: { openTelemetry: { api: "1.9.1", sdk: "2.12.1" } },
        },
      },
    ],
  },
});

declare module "vitest" {
  interface ProvidedContext {
    /** The versions of OpenTelemetry that the running project is meant to test against. */
    openTelemetry: { api: string; sdk: string };
  }
}

export default config;
