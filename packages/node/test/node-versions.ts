import { accessSync, constants } from "node:fs";
import path from "node:path";

export interface NodeVersion {
  readonly version: string;
  /** Undefined when it is not installed. */
  readonly binary: string | undefined;
}

/**
 * The Node.js that runs the tests, and the oldest and newest that we support, from the directory named by
 * METERBRIDGE_NODES or `.nodes` of the repository. A missing one is told loudly, and fails under `CI=true`, where a skip
 * would hide a fault.
 */
export function nodeVersions(): NodeVersion[] {
  const others = ["22.15", "26"].map((version) => ({ version, binary: find(version) }));
  for (const { version, binary } of others) {
    if (binary !== undefined) continue;
    const message = `Node.js ${version} is not installed in the directory named by METERBRIDGE_NODES`;
    if (process.env["CI"] === "true") throw new Error(message);
    console.warn(`\n!!! SKIPPED: ${message}\n`);
  }
  return [{ version: process.versions.node, binary: process.execPath }, ...others];
}

function find(version: string): string | undefined {
  for (const directory of [process.env["METERBRIDGE_NODES"], path.join(import.meta.dirname, "../../../.nodes")]) {
    if (!directory) continue;
    const candidate = path.join(directory, version, "node_modules/.bin/node");
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not there.
    }
  }
  return undefined;
}
