import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { nodeVersions } from "../../node/test/node-versions.ts";
import { warnsAboutSqlite } from "../src/sqlite/sqlite-driver.ts";
import { expectExactRollups } from "./support/sqlite-audit.ts";
import { installLedger } from "./support/sqlite-installed.ts";

const warning = /ExperimentalWarning: SQLite is an experimental feature/g;

const right = {
  result: { written: 2, duplicates: 1, expired: 0 },
  cost: "18000000000000002",
  differences: [],
  refused: true,
};

describe.each(nodeVersions())("as installed, on Node.js $version", ({ version, binary }) => {
  async function run(application: string, environment: NodeJS.ProcessEnv = {}): Promise<string> {
    const file = path.join(application, "ledger.db");
    const { stdout, stderr } = await promisify(execFile)(binary ?? "", [path.join(application, "app.js"), file], {
      cwd: application,
      env: { ...process.env, NODE_OPTIONS: "", ...environment },
    });
    expect(JSON.parse(stdout)).toEqual(right);
    expect(expectExactRollups(file)).toBe(2);
    return stderr;
  }

  test.runIf(binary !== undefined)(
    "the store needs nothing but Node.js, whose one warning stands where it has one",
    async () => {
      const application = await installLedger();
      const stderr = await run(application);
      const warns = warnsAboutSqlite(version);
      expect(stderr.match(warning)?.length ?? 0).toBe(warns ? 1 : 0);
      if (!warns) expect(stderr).toBe("");
    },
  );

  test.runIf(binary !== undefined)(
    "nothing is printed where better-sqlite3 is installed, or warnings are off",
    async () => {
      expect(await run(await installLedger("better-sqlite3"))).toBe("");
      expect(await run(await installLedger(), { NODE_OPTIONS: "--disable-warning=ExperimentalWarning" })).toBe("");
    },
  );
});
