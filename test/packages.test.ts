import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const root = path.join(import.meta.dirname, "..");
const temporary = mkdtempSync(path.join(tmpdir(), "meterbridge-packages-"));

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

function readManifest(directory: string): Manifest {
  return JSON.parse(readFileSync(path.join(directory, "package.json"), "utf8"));
}

const published = readdirSync(path.join(root, "packages")).filter(
  (name) => readManifest(path.join(root, "packages", name)).private !== true,
);

beforeAll(async () => {
  await run("pnpm", ["build"], { cwd: root });
}, 120_000);

afterAll(() => rmSync(temporary, { recursive: true, force: true }));

test.each(published)(
  "what is published of %s can be imported, with its types, by whoever installs it",
  async (name) => {
    expect(await problemsOf(path.join(root, "packages", name))).toEqual([]);
  },
);

test.each(published)(
  "the archive of %s holds what was built of it, and nothing else of this repository",
  async (name) => {
    const { stdout } = await run("tar", ["-tzf", await pack(path.join(root, "packages", name))]);
    const files = stdout.trim().split("\n");
    expect(files).toEqual(expect.arrayContaining(["package/package.json", "package/LICENSE"]));
    const known = /^package\/(?:package\.json|README\.md|LICENSE|dist\/(?!.*\.test\.)[\w./-]+\.(?:js|d\.ts|txt))$/;
    expect(files.filter((file) => !known.test(file))).toEqual([]);
  },
);

test.each([
  ["a file that is not in the archive", { ".": { types: "./index.d.ts", default: "./missing.js" } }],
  ["types behind the code, where nobody finds them", { ".": { default: "./index.js", types: "./index.d.ts" } }],
  ["code without types", { ".": "./untyped.js" }],
  ["types of the other module format", { ".": { types: "./index.d.cts", default: "./index.js" } }],
])("a package whose exports name %s is refused", async (_mistake, exports) => {
  const directory = mkdtempSync(path.join(temporary, "wrong-"));
  const manifest = {
    name: "wrong",
    version: "1.0.0",
    license: "Apache-2.0",
    type: "module",
    files: ["*.js", "*.ts", "*.cts"],
    exports,
  };
  writeFileSync(path.join(directory, "package.json"), JSON.stringify(manifest));
  for (const file of ["index.js", "untyped.js"]) writeFileSync(path.join(directory, file), "export const value = 1;\n");
  for (const file of ["index.d.ts", "index.d.cts"]) {
    writeFileSync(path.join(directory, file), "export declare const value: number;\n");
  }
  expect(await problemsOf(directory)).not.toEqual([]);
});

test("an application compiles strictly against the types of all that is published", async () => {
  const application = mkdtempSync(path.join(temporary, "application-"));
  const modules = path.join(application, "node_modules");
  const entries: string[] = [];
  for (const name of published) {
    const source = path.join(root, "packages", name);
    const target = path.join(modules, "@meterbridge", name);
    mkdirSync(target, { recursive: true });
    await run("tar", ["-xzf", await pack(source), "-C", target, "--strip-components=1"]);
    const manifest = readManifest(target);
    for (const entry of Object.keys(manifest.exports)) {
      if (entry !== "./package.json") entries.push(path.posix.join(manifest.name, entry));
    }
    // Only what it declares: a type of something else is then an error here.
    for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      const link = path.join(modules, dependency);
      if (existsSync(link)) continue;
      mkdirSync(path.dirname(link), { recursive: true });
      if (!published.includes(dependency.replace("@meterbridge/", ""))) {
        symlinkSync(realpathSync(path.join(source, "node_modules", dependency)), link, "dir");
      }
    }
  }
  symlinkSync(path.join(root, "node_modules/@types"), path.join(modules, "@types"), "dir");
  writeFileSync(
    path.join(application, "application.mts"),
    entries.map((entry, index) => `export * as entry${index} from "${entry}";\n`).join(""),
  );
  const flags = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023", "--types", "node"];
  const compiler = path.join(root, "node_modules/.bin/tsc");
  expect(await complaintsOf(compiler, [...flags, "application.mts"], application)).toBe("");
  expect(entries).toContain("@meterbridge/node/register");
});

/** Packs a package as `pnpm publish` would, and gives the archive's path. */
async function pack(directory: string): Promise<string> {
  const destination = mkdtempSync(path.join(temporary, "packed-"));
  await run("pnpm", ["pack", "--pack-destination", destination], { cwd: directory });
  const [archive] = readdirSync(destination);
  if (archive === undefined) throw new Error(`pnpm packed nothing of ${directory}`);
  return path.join(destination, archive);
}

/** What publint and attw find wrong with the archive of a package. */
async function problemsOf(directory: string): Promise<string[]> {
  const archive = await pack(directory);
  const { buffer } = new Uint8Array(readFileSync(archive));
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
  const problems = messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
  // The packages are ESM only, which `require` of every Node.js version that we support can load.
  const attw = path.join(root, "node_modules/.bin/attw");
  const flags = ["--profile", "esm-only", "--format", "ascii", "--no-color", "--no-emoji"];
  const complaints = await complaintsOf(attw, [archive, ...flags], root);
  return complaints === "" ? problems : [...problems, `attw: ${complaints}`];
}

/** What a command that failed printed; nothing when it succeeded. */
async function complaintsOf(command: string, commandArguments: string[], cwd: string): Promise<string> {
  try {
    await run(command, commandArguments, { cwd });
    return "";
  } catch (error) {
    return error instanceof Error && "stdout" in error ? String(error.stdout) : String(error);
  }
}
