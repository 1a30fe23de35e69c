import { existsSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import path from "node:path";
import { defineConfig, type Plugin, type RolldownOptions } from "rolldown";

// Builds the package in whose directory it runs: one file per entry, so that a preload opens few files. The reasons and the
// figures are in docs/decisions/2026-11-20-build.md.

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

// `./dist/register.js` in the exports map is built from `src/register.ts`.
const entries = Object.values(readManifest(".").exports)
  .map((target) => (typeof target === "object" ? /^\.\/dist\/(.+)\.js$/.exec(target.default)?.[1] : undefined))
  .filter((name) => name !== undefined);

const config: RolldownOptions = defineConfig({
  input: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])),
  platform: "node",
  tsconfig: false,
  external: (specifier) => !/^[.#/]/.test(specifier) && !isBundled(specifier) && isInstalled(specifier),
  // A file of ours that is imported for its effect alone stays, whatever `sideEffects` promises to other bundlers.
  treeshake: { moduleSideEffects: (id, external) => !external && !id.includes("node_modules") },
  plugins: [builtinsByCall(), thirdPartyLicenses()],
  output: {
    dir: "dist",
    format: "esm",
    cleanDir: true,
    entryFileNames: "[name].js",
    chunkFileNames: "shared-[hash].js",
  },
});

export default config;

/** What nobody needs to share a copy of. The OpenTelemetry API is shared with the application, so it stays outside. */
function isBundled(specifier: string): boolean {
  if (specifier === "@opentelemetry/api") return false;
  return /^(?:@opentelemetry\/.+|(?:@valibot\/.+|kysely|temporal-(?:polyfill|utils)|valibot)(?:\/.+)?)$/.test(
    specifier,
  );
}

/** Throws for a package that nobody who installs this one would have, such as what a bundled package needs itself. */
function isInstalled(specifier: string): true {
  const { name: own, dependencies, peerDependencies } = readManifest(".");
  const [name = ""] = /^(?:@[^/]+\/)?[^/]+/.exec(specifier) ?? [];
  if (isBuiltin(specifier) || name === own || name in { ...dependencies, ...peerDependencies }) return true;
  throw new Error(`${own} imports ${specifier}, which is neither a dependency of it nor bundled`);
}

/**
 * Turns `import { createServer } from "node:http"` into a destructured `process.getBuiltinModule("node:http")`. An import
 * reads every property of the module, and the getters among them load what nobody asked for: all of undici for node:http.
 */
function builtinsByCall(): Plugin {
  return {
    name: "builtins-by-call",
    renderChunk(code) {
      return code.replaceAll(
        /^import (?:(.+) from )?"([^"]+)";$/gm,
        (statement, names: string | undefined, specifier) => {
          if (!isBuiltin(specifier)) return statement;
          const binding = /^(?:\* as )?(\w+)$|^(\{[^}]*\})$/.exec(names ?? "");
          if (binding === null) throw new Error(`unexpected import of a module of Node.js: ${statement}`);
          const [, whole, some = ""] = binding;
          return `const ${whole ?? some.replaceAll(" as ", ": ")} = process.getBuiltinModule("${specifier}");`;
        },
      );
    },
  };
}

/** Writes the licenses of what was bundled beside it, as they ask for. */
function thirdPartyLicenses(): Plugin {
  return {
    name: "third-party-licenses",
    generateBundle(_options, bundle) {
      const files = Object.values(bundle).flatMap((output) => (output.type === "chunk" ? output.moduleIds : []));
      const directories = new Set(files.map((file) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]));
      const bundledUnder = new Map<string, string[]>();
      for (const directory of directories) {
        if (directory === undefined) continue;
        const { name, version } = readManifest(directory);
        const file = ["LICENSE", "LICENSE.md"].map((base) => path.join(directory, base)).find(existsSync);
        if (file === undefined) throw new Error(`${name} ${version} is bundled but has no license file to pass on`);
        const license = readFileSync(file, "utf8").trim();
        bundledUnder.set(license, [...(bundledUnder.get(license) ?? []), `${name} ${version}`]);
      }
      if (bundledUnder.size === 0) return;
      const notices = [...bundledUnder].map(([license, names]) => `${names.toSorted().join("\n")}\n\n${license}\n`);
      const source = notices.toSorted().join(`\n${"-".repeat(80)}\n\n`);
      this.emitFile({ type: "asset", fileName: "THIRD-PARTY-LICENSES.txt", source });
    },
  };
}

function readManifest(directory: string): Manifest {
  return JSON.parse(readFileSync(path.join(directory, "package.json"), "utf8"));
}
