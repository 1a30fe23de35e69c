import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const repository = path.join(import.meta.dirname, "../../..");
const ours = ["core", "exporter", "exporter-otlp", "exporter-prometheus", "genai", "http", "node", "sdk-metrics"];

const manifest = { name: "shop", version: "1.2.0", scripts: { start: "node app.cjs" } };

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly publishConfig: { readonly exports: object };
}

/**
 * A directory laid out as `npm install` leaves it for a user: our packages built and with the exports map they are
 * published with, their dependencies beside them, and those packages that this one is tested with that the application has
 * installed itself. The caller removes it.
 */
export async function installApplication(installed: readonly string[] = []): Promise<string> {
  const application = mkdtempSync(path.join(tmpdir(), "meterbridge-installed-"));
  const modules = path.join(application, "node_modules");
  for (const name of ours) await installOurs(name, modules);
  for (const name of installed) link(name, path.join(import.meta.dirname, ".."), modules);
  writeFileSync(path.join(application, "package.json"), JSON.stringify(manifest));
  cpSync(path.join(import.meta.dirname, "applications"), application, { recursive: true });
  return application;
}

async function installOurs(name: string, modules: string): Promise<void> {
  const source = path.join(repository, "packages", name);
  const target = path.join(modules, "@meterbridge", name);
  const itsManifest = JSON.parse(readFileSync(path.join(source, "package.json"), "utf8")) as Manifest;
  mkdirSync(target, { recursive: true });
  // What `pnpm pack` does to it.
  const published = { ...itsManifest, exports: itsManifest.publishConfig.exports };
  writeFileSync(path.join(target, "package.json"), JSON.stringify(published));
  // Not into the package's own dist, which other tests may be building.
  const rolldown = path.join(repository, "node_modules/.bin/rolldown");
  await promisify(execFile)(rolldown, ["-c", "../../rolldown.config.ts", "--dir", path.join(target, "dist")], {
    cwd: source,
  });
  for (const dependency of Object.keys({ ...itsManifest.dependencies, ...itsManifest.peerDependencies })) {
    const isOptional = itsManifest.peerDependenciesMeta?.[dependency]?.optional === true;
    if (!dependency.startsWith("@meterbridge/") && !isOptional) link(dependency, source, modules);
  }
}

function link(dependency: string, source: string, modules: string): void {
  const target = path.join(modules, dependency);
  mkdirSync(path.dirname(target), { recursive: true });
  try {
    symlinkSync(realpathSync(path.join(source, "node_modules", dependency)), target, "dir");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
