import { realpathSync } from "node:fs";
import path from "node:path";

/**
 * Whether the main script is a package manager's. `NODE_OPTIONS=--import=@meterbridge/node/register npm start` preloads us into npm
 * first, which would take the port that the application's exporter needs, and be scraped in its place.
 */
export function isPackageManager(mainScript: string | undefined): boolean {
  if (mainScript === undefined) return false;
  return scripts.has(path.basename(resolved(mainScript)));
}

const scripts: ReadonlySet<string> = new Set([
  "npm-cli.js",
  "npx-cli.js",
  "pnpm.cjs",
  "pnpm.mjs",
  "pnpx.cjs",
  "yarn.js",
  "yarn.cjs",
  "corepack.js",
]);

/** Behind the link that is called: `npm` is one to `npm-cli.js`. */
function resolved(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
