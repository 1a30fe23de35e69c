import { readFileSync } from "node:fs";
import { defineConfig, type RolldownOptions } from "rolldown";

// Runs in the directory of the package to build. docs/decisions/2026-11-20-build.md has the reasons and the figures.

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
}

const manifest: Manifest = JSON.parse(readFileSync("package.json", "utf8"));

// `./dist/register.js` in the exports map is built from `src/register.ts`.
const entries = Object.values(manifest.exports)
  .filter((target) => typeof target === "object")
  .map((target) => /^\.\/dist\/(.+)\.js$/.exec(target.default)?.[1])
  .filter((name) => name !== undefined);

const config: RolldownOptions = defineConfig({
  input: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])),
  platform: "node",
  tsconfig: false,
  // A file of ours that is imported for its effect alone stays, whatever `sideEffects` promises to other bundlers.
  treeshake: { moduleSideEffects: (id) => !id.includes("node_modules") },
  external: (specifier) => !specifier.startsWith(".") && !specifier.startsWith("/"),
  output: {
    dir: "dist",
    format: "esm",
    cleanDir: true,
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
  },
});

export default config;
