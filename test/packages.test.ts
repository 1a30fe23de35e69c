import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
}

const published = readdirSync(path.join(root, "packages")).filter((name) => {
  const manifest: Manifest = JSON.parse(readFileSync(path.join(root, "packages", name, "package.json"), "utf8"));
  return manifest.private !== true;
});

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

/** Packs a package as `pnpm publish` would, and lets publint and attw look at the archive. */
async function problemsOf(directory: string): Promise<string[]> {
  const destination = mkdtempSync(path.join(temporary, "packed-"));
  await run("pnpm", ["pack", "--pack-destination", destination], { cwd: directory });
  const [archive] = readdirSync(destination).map((file) => path.join(destination, file));
  if (archive === undefined) throw new Error(`pnpm packed nothing of ${directory}`);
  const { buffer } = new Uint8Array(readFileSync(archive));
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
  const problems = messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
  // The packages are ESM only, which `require` of every Node.js version that we support can load.
  const attw = path.join(root, "node_modules/.bin/attw");
  try {
    await run(attw, [archive, "--profile", "esm-only", "--format", "ascii", "--no-color", "--no-emoji"]);
  } catch (error) {
    problems.push(`attw: ${error instanceof Error && "stdout" in error ? String(error.stdout) : String(error)}`);
  }
  return problems;
}
