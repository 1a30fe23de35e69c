import { execFile } from "node:child_process";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { freePort, type RunningProcess, startProcess, until } from "../../../test/support/servers.ts";
import { acceptingCollector, type FakeCollector, hangingCollector } from "./fake-collector.ts";

// The longest that a flush may hold the process, and the time that this machine may need for the rest.
const DEADLINE = 3000;
const MARGIN = 2000;

const open: { stop?(): Promise<void>; close?(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await (each.stop?.() ?? each.close?.());
});

interface RunOptions {
  readonly environment?: Record<string, string>;
  readonly preload?: boolean;
  readonly argument?: string;
}

function run(
  application: string,
  { environment = {}, preload = true, argument = "" }: RunOptions = {},
): RunningProcess {
  const child = startProcess(
    process.execPath,
    [
      "--conditions=@meterbridge/source",
      ...(preload ? ["--import", "@meterbridge/node/register"] : []),
      path.join(import.meta.dirname, "applications", application),
      argument,
    ],
    {
      cwd: path.join(import.meta.dirname, ".."),
      env: { PATH: process.env["PATH"], METERBRIDGE_EXPORTERS: "otlp", ...environment },
    },
  );
  open.push(child);
  return child;
}

async function kept(collector: Promise<FakeCollector>): Promise<FakeCollector> {
  open.push(await collector);
  return await collector;
}

/** Fails with what the process printed, where waiting on would only tell that the test took too long. */
async function endOf(child: RunningProcess): Promise<number | NodeJS.Signals> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`still running after 15 s:\n${child.output()}`)), 15_000);
  });
  try {
    return await Promise.race([child.ended, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

async function signalled(child: RunningProcess, signal: NodeJS.Signals) {
  await until(() => child.output().includes("listening"), "the server to listen");
  const before = performance.now();
  child.child.kill(signal);
  return { ended: await endOf(child), milliseconds: performance.now() - before };
}

async function timed(child: RunningProcess) {
  await until(() => child.output().includes("done"), "the script to be done");
  const before = performance.now();
  return { ended: await endOf(child), milliseconds: performance.now() - before };
}

describe("a server without a handler of its own", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("ends by %s exactly as it does without the preload", async (signal) => {
    const collector = await kept(acceptingCollector());
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const bare = await signalled(run("server.mjs", { preload: false }), signal);
    const preloaded = await signalled(run("server.mjs", { environment }), signal);
    expect(bare.ended).toBe(signal);
    expect(preloaded.ended).toBe(signal);
    expect(collector.received("/v1/metrics")).toContain("llm.requests");
  });

  test.each([
    ["accepts connections and never answers", () => hangingCollector()],
    ["drips an answer that never ends", () => hangingCollector("dripping")],
  ])("ends within the deadline when the collector %s", async (_way, start) => {
    const collector = await kept(start());
    const child = run("server.mjs", { environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    const { ended, milliseconds } = await signalled(child, "SIGTERM");
    expect(ended).toBe("SIGTERM");
    expect(milliseconds).toBeLessThan(DEADLINE + MARGIN);
  });

  test("ends within the deadline when the collector is down", async () => {
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` };
    const { ended, milliseconds } = await signalled(run("server.mjs", { environment }), "SIGTERM");
    expect(ended).toBe("SIGTERM");
    expect(milliseconds).toBeLessThan(DEADLINE + MARGIN);
  });

  test("ends at once at the second signal, though the collector hangs", async () => {
    const collector = await kept(hangingCollector());
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, METERBRIDGE_SHUTDOWN_TIMEOUT: "60000" };
    const child = run("server.mjs", { environment });
    await until(() => child.output().includes("listening"), "the server to listen");
    child.child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 500));
    // The first signal waits for the flush.
    expect(child.child.exitCode ?? child.child.signalCode).toBeNull();
    child.child.kill("SIGTERM");
    expect(await child.ended).toBe("SIGTERM");
  });

  test("is left alone when METERBRIDGE_HANDLE_SIGNALS is false", async () => {
    const collector = await kept(hangingCollector());
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      METERBRIDGE_HANDLE_SIGNALS: "false",
      METERBRIDGE_SHUTDOWN_TIMEOUT: "10000",
    };
    const { ended, milliseconds } = await signalled(run("server.mjs", { environment }), "SIGTERM");
    expect(ended).toBe("SIGTERM");
    expect(milliseconds).toBeLessThan(DEADLINE + MARGIN);
  });
});

describe("an application that handles SIGTERM itself", () => {
  test.each([
    ["under the preload", { preload: true }],
    ["with start() called after its handler was set", { preload: false, argument: "start" }],
  ])("keeps its behaviour and its exit code, %s", async (_way, options) => {
    const collector = await kept(acceptingCollector());
    const child = run("polite-server.mjs", {
      ...options,
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    });
    expect((await signalled(child, "SIGTERM")).ended).toBe(7);
    expect(child.output()).toContain("closing");
    expect(collector.received("/v1/metrics")).toContain("llm.requests");
  });

  test("and one that leaves the ending to the package signal-exit ends as well, after the flush", async () => {
    const collector = await kept(acceptingCollector());
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const bare = await signalled(run("signal-exit-server.mjs", { preload: false }), "SIGTERM");
    const child = run("signal-exit-server.mjs", { environment });
    expect((await signalled(child, "SIGTERM")).ended).toBe(bare.ended);
    expect(child.output()).toContain("signal-exit saw SIGTERM");
    expect(collector.received("/v1/metrics")).toContain("llm.requests");
  });
});

describe("a script that ends by itself", () => {
  test("ends with its exit code, after everything was sent, spans included", async () => {
    const collector = await kept(acceptingCollector());
    const child = run("script.mjs", { environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    expect((await timed(child)).ended).toBe(3);
    expect(collector.received("/v1/metrics")).toContain("llm.requests");
    expect(collector.received("/v1/traces")).toContain("work");
  });

  test.each([
    ["accepts connections and never answers", () => hangingCollector()],
    ["drips an answer that never ends", () => hangingCollector("dripping")],
  ])("ends within the deadline when the collector of meters and spans %s", async (_way, start) => {
    const collector = await kept(start());
    const child = run("script.mjs", { environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    const { ended, milliseconds } = await timed(child);
    expect(ended).toBe(3);
    expect(milliseconds).toBeLessThan(DEADLINE + MARGIN);
    expect(child.output().match(/\[traces\]/g)).toHaveLength(1);
  });

  test("ends within the deadline when the collector is down, and says once that spans were lost", async () => {
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` };
    const child = run("script.mjs", { environment });
    const { ended, milliseconds } = await timed(child);
    expect(ended).toBe(3);
    expect(milliseconds).toBeLessThan(DEADLINE + MARGIN);
    expect(child.output().match(/\[traces\]/g)).toHaveLength(1);
  });

  test("is not kept alive by the Prometheus exporter's server", async () => {
    const environment = { METERBRIDGE_EXPORTERS: "prometheus", METERBRIDGE_PROMETHEUS_PORT: "0" };
    expect((await timed(run("script.mjs", { environment }))).ended).toBe(3);
  });
});

describe("the preload", () => {
  test("ends a start with a wrong configuration by one line, without a stack, before the application runs", async () => {
    const result = await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
      execFile(
        process.execPath,
        ["--conditions=@meterbridge/source", "--import", "@meterbridge/node/register", "-e", "console.log('ran')"],
        { cwd: path.join(import.meta.dirname, ".."), env: { METERBRIDGE_SERIES_LIMIT: "many" } },
        (error, stdout, stderr) => resolve({ code: error?.code, stdout, stderr }),
      );
    });
    expect(result).toEqual({
      code: 1,
      stdout: "",
      stderr: `[meterbridge] METERBRIDGE_SERIES_LIMIT must be a whole number from 2 to 1000000, found "many"\n`,
    });
  });

  test("starts once per process, not once more in each worker thread", async () => {
    const child = run("worker.mjs", { environment: { METERBRIDGE_EXPORTERS: "console" } });
    expect(await child.ended).toBe(0);
    expect(child.output()).toContain("quiet worker");
    expect(child.output().match(/\[meterbridge\]/g)).toHaveLength(1);
  });

  test("starts nothing when it is disabled, and says so in one line", async () => {
    const child = run("script.mjs", { environment: { OTEL_SDK_DISABLED: "true" } });
    expect(await child.ended).toBe(3);
    expect(child.output()).toContain("[meterbridge] off: OTEL_SDK_DISABLED is true\n");
    expect(child.output().match(/\[meterbridge\]/g)).toHaveLength(1);
  });

  test("tells nothing at log level none", async () => {
    const environment = { METERBRIDGE_EXPORTERS: "none", METERBRIDGE_LOG_LEVEL: "none" };
    const child = run("script.mjs", { environment });
    expect(await child.ended).toBe(3);
    expect(child.output()).toBe("done\n");
  });
});
