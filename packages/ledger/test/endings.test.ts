import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../../test/support/servers.ts";
import type { UsageSums } from "../src/ledger-store.ts";
import { sqliteStore } from "../src/sqlite/sqlite-store.ts";

// An application that only names a tenant and records, under the preload, with the ledger that is on by default.

// Has the preload and the ledger among its dependencies, as an application would.
const application = path.join(import.meta.dirname, "../../../examples/demo");
let directory: string;

beforeEach(() => {
  directory = path.join(mkdtempSync(path.join(tmpdir(), "ledger-")), "kept");
});

afterEach(() => rmSync(path.dirname(directory), { recursive: true }));

describe("every usage event is in the ledger, exactly once, however the process ends", () => {
  test.each([
    ["by having nothing more to do", "end", 0],
    ["by process.exit()", "exit", 3],
    ["by an error that nobody caught", "throw", 1],
  ])("%s", async (_how, ending, exitCode) => {
    const { child, output } = run("1000", ending);
    expect(await ended(child)).toBe(exitCode);
    expect(await kept()).toMatchObject({ events: 1001, inputTokens: 100_000, costNanoUsd: 1_000_000_000n });
    expect(output()).not.toMatch(/\[meterbridge\] \[ledger\]/);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("by %s with a full queue", async (signal) => {
    const { child } = run("5000", "wait");
    await once(child, "message");
    child.send("go");
    await once(child, "message");
    child.kill(signal);
    expect(await ended(child)).toBe(signal);
    expect(await kept()).toMatchObject({ events: 5001 });
  });
});

test("a SIGTERM takes along no call that is made while exporters that hang are waited for", async () => {
  const hanging = createServer((socket) => socket.on("error", () => {}));
  await once(hanging.listen(0, "127.0.0.1"), "listening");
  try {
    const { child, output } = run("3", "busy", {
      METERBRIDGE_EXPORTERS: "otlp",
      METERBRIDGE_SHUTDOWN_TIMEOUT: "600",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(hanging.address() as AddressInfo).port}`,
    });
    const made = (): number => output().split("#").length - 1;
    await until(() => made() > 300, "the application to be busy");
    const before = made();
    child.kill("SIGTERM");
    expect(await ended(child)).toBe("SIGTERM");
    expect(made()).toBeGreaterThan(before + 30);
    expect(await kept()).toMatchObject({ events: made() });
  } finally {
    hanging.close();
  }
});

test("what a SIGKILL takes along is only what was still in memory, and the next start counts it to the event", async () => {
  const first = run("5000", "wait");
  await once(first.child, "message");
  first.child.send("go");
  await once(first.child, "message");
  first.child.kill("SIGKILL");
  await ended(first.child);
  const before = (await kept()).events ?? 0;

  const second = run("1", "wait");
  const told = await until(() => /(\d+) usage events were lost/.exec(second.output())?.[1], "the loss to be told");
  second.child.kill("SIGTERM");
  await ended(second.child);
  expect(before + Number(told)).toBe(5001);
});

test("the ledger's files are for their owner alone, and nobody commits them by accident", async () => {
  await ended(run("10", "end").child);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  for (const file of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    expect(statSync(path.join(directory, file)).mode & 0o077).toBe(0);
  }
  expect(readdirSync(directory)).toContain(".gitignore");
});

test("a process that measures nothing leaves no file behind", async () => {
  const { child } = run("0", "wait");
  await once(child, "message");
  child.kill("SIGTERM");
  await ended(child);
  expect(existsSync(directory)).toBe(false);
});

test("METERBRIDGE_LEDGER=off keeps nothing", async () => {
  await ended(run("10", "end", { METERBRIDGE_LEDGER: "off" }).child);
  expect(existsSync(directory)).toBe(false);
});

function run(calls: string, ending: string, environment: NodeJS.ProcessEnv = {}): Running {
  const child = fork(path.join(import.meta.dirname, "support/metering-application.ts"), [calls, ending], {
    execArgv: ["--conditions=@meterbridge/source", "--import", "@meterbridge/node/register"],
    cwd: application,
    env: {
      PATH: process.env["PATH"],
      METERBRIDGE_EXPORTERS: "prometheus",
      METERBRIDGE_PROMETHEUS_PORT: "0",
      METERBRIDGE_LEDGER_DIRECTORY: directory,
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output };
}

interface Running {
  readonly child: ChildProcess;
  output(): string;
}

async function ended(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  const [code, signal] = await once(child, "close");
  return code ?? signal;
}

/** What the ledger holds of this day, after its rows and rollups were held against each other. */
async function kept(): Promise<Partial<UsageSums>> {
  const store = sqliteStore({ file: path.join(directory, "ledger.sqlite") });
  try {
    const day = 86_400_000;
    const from = Math.floor(Date.now() / day) * day - day;
    expect(await store.recount({ from, to: from + 3 * day })).toEqual([]);
    const [row] = await store.sums({ boundaries: [from, from + 3 * day] });
    return row?.sums ?? { events: 0 };
  } finally {
    await store.close();
  }
}
