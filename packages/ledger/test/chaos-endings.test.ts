import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { postgresqlStore } from "../src/postgresql.ts";
import { audit } from "../src/proof/audit.ts";
import { chaosDirectory, wholeWindow } from "./support/chaos-run.ts";
import { countRows } from "./support/postgresql-rows.ts";
import { findPostgresql, type PostgresqlServer, startPostgresql } from "./support/postgresql-server.ts";

// An application under the preload whose PostgreSQL hangs: connections stay up and nothing answers.

// Has the preload and the ledger among its dependencies, as an application would.
const application = path.join(import.meta.dirname, "../../../examples/demo");

describe.skipIf(findPostgresql() === undefined)("while PostgreSQL hangs, a full queue is not lost", () => {
  let server: PostgresqlServer;

  beforeAll(async () => void (server = await startPostgresql()));
  afterAll(() => server.stop());
  afterEach(() => server.resume());

  test.each([
    ["SIGTERM", "before the first connection"],
    ["SIGTERM", "after the store was opened"],
    ["SIGKILL", "after the store was opened"],
  ] as const)("by %s, %s: the next process brings it, or tells what a SIGKILL took along", async (signal, when) => {
    const directory = path.join(await chaosDirectory(), "kept");
    const url = await server.createDatabase();
    if (when.startsWith("before")) server.pause();
    const first = run("3000", directory, url);
    await once(first.child, "message");
    if (when.startsWith("after")) {
      await until(async () => {
        const [{ tables } = {}] = await server.query(
          "SELECT count(*)::int AS tables FROM pg_stat_activity WHERE application_name = 'meterbridge' AND state = 'idle'",
        );
        return Number(tables) > 0;
      }, "the store to be opened");
      server.pause();
    }
    first.child.send("go");
    await once(first.child, "message");
    first.child.kill(signal);
    const [code, by] = (await once(first.child, "close")) as [number | null, NodeJS.Signals | null];
    expect(code ?? by).toBe(signal);
    const spooled = readdirSync(path.join(directory, "spool"));
    server.resume();

    const second = run("10", directory, url);
    await once(second.child, "message");
    second.child.send("go");
    await once(second.child, "message");
    const lost = signal === "SIGTERM" ? 0 : 3_001;
    if (signal === "SIGKILL") {
      const told = await until(() => /(\d+) usage events were lost/.exec(second.output())?.[1], "the loss to be told");
      expect(Number(told)).toBe(lost);
    } else expect(spooled.filter((name) => /segment|left/.test(name)).length, first.output()).toBeGreaterThan(0);
    const store = postgresqlStore({ url });
    try {
      const { from, to } = wholeWindow();
      const found = await until(async () => {
        const result = await audit(store, { from, to });
        // Of a process that was killed an append may still have been on its way.
        return result.checked.rows >= 3_001 - lost + 11 ? result : undefined;
      }, "the events to arrive");
      expect(found.differences).toEqual([]);
      if (signal === "SIGTERM") expect(await countRows(url)).toEqual({ rows: 3_012, wrongBuckets: 0 });
      else expect((await countRows(url)).wrongBuckets).toBe(0);
    } finally {
      await store.close();
    }
    second.child.kill("SIGTERM");
    await once(second.child, "close");
    if (signal === "SIGTERM") expect(second.output()).not.toContain("lost");
  });

  function run(calls: string, directory: string, url: string): { child: ChildProcess; output(): string } {
    const child = fork(path.join(import.meta.dirname, "support/metering-application.ts"), [calls, "wait"], {
      execArgv: ["--conditions=@meterbridge/source", "--import", "@meterbridge/node/register"],
      cwd: application,
      env: {
        PATH: process.env["PATH"],
        METERBRIDGE_EXPORTERS: "prometheus",
        METERBRIDGE_PROMETHEUS_PORT: "0",
        METERBRIDGE_LEDGER: "postgresql",
        METERBRIDGE_LEDGER_DIRECTORY: directory,
        DATABASE_URL: url,
      },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    return { child, output: () => output };
  }
});
