import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../../test/support/servers.ts";
import { acceptingCollector } from "./fake-collector.ts";
import { installApplication } from "./installed-application.ts";
import { nodeVersions } from "./node-versions.ts";

let application = "";
beforeAll(async () => {
  application = await installApplication();
}, 120_000);
afterAll(() => rmSync(application, { recursive: true, force: true }));

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly port: string;
}

async function run(binary: string, commandLine: readonly string[], environment = {}): Promise<Result> {
  const port = String(await freePort());
  return await new Promise((resolve) => {
    const env = { METERBRIDGE_PROMETHEUS_PORT: port, ...environment };
    const options = { cwd: application, env, timeout: 20_000 };
    execFile(binary, [...commandLine, port], options, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr, port });
    });
  });
}

const page = ({ port }: Result): string => `http://127.0.0.1:${port}/metrics`;

describe.each(nodeVersions())("on Node.js $version", ({ binary }) => {
  test.skipIf(binary === undefined).each([
    ["-r", "app.cjs"],
    ["-r", "app.mjs"],
    ["--import", "app.cjs"],
    ["--import", "app.mjs"],
    ["start() in", "starting-app.cjs"],
    ["start() in", "starting-app.mjs"],
  ])("%s %s: what the installed package records is scraped, and Node.js warns of nothing", async (way, file) => {
    const preload = way.startsWith("-") ? [way, "@meterbridge/node/register"] : [];
    const result = await run(binary ?? "", [...preload, file]);
    expect(result.stderr).toBe(`[meterbridge] shop 1.2.0: prometheus ${page(result)}; traces off; captures fetch\n`);
    expect(result.stdout).toMatch(/^llm_requests_total\{.*\} 1$/m);
    expect(result.code).toBe(0);
  });

  test.skipIf(binary === undefined)("meters and spans reach a collector as well, without a warning", async () => {
    const collector = await acceptingCollector();
    try {
      const result = await run(binary ?? "", ["--import", "@meterbridge/node/register", "app.mjs"], {
        METERBRIDGE_EXPORTERS: "prometheus,otlp",
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      });
      expect(result.stderr).toBe(
        `[meterbridge] shop 1.2.0: prometheus ${page(result)}, otlp ${collector.url}/v1/metrics; traces otlp; logs otlp; captures fetch, spans\n`,
      );
      expect(result.stdout).toMatch(/^llm_requests_total\{.*\} 1$/m);
      expect(collector.received("/v1/metrics")).toContain("llm.requests");
    } finally {
      await collector.close();
    }
  });
});

test("an exporter that is not installed ends the start in one line that says which there are", async () => {
  const { code, stdout, stderr } = await run(process.execPath, ["-r", "@meterbridge/node/register", "app.cjs"], {
    METERBRIDGE_EXPORTERS: "promethues",
  });
  expect(code).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^\[meterbridge\] METERBRIDGE_EXPORTERS names "promethues", .* Known names: prometheus .*\n$/);
});

test("a ledger that is asked for and not installed ends the start in one line that says what to do", async () => {
  const { code, stderr } = await run(process.execPath, ["-r", "@meterbridge/node/register", "app.cjs"], {
    METERBRIDGE_LEDGER: "postgresql",
  });
  expect(code).toBe(1);
  expect(stderr).toBe(
    "[meterbridge] METERBRIDGE_LEDGER asks for a ledger, which is @meterbridge/ledger, and it is not installed: " +
      "run npm install @meterbridge/ledger\n",
  );
});

test("npm, which NODE_OPTIONS preloads first, leaves the port to the application that it starts", async () => {
  const { code, stdout, stderr } = await run("npm", ["start", "--silent", "--"], {
    NODE_OPTIONS: "--import=@meterbridge/node/register",
    PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env["PATH"]}`,
  });
  expect(stderr).toMatch(/^\[meterbridge\] shop 1.2.0: prometheus \S+; traces off; captures fetch\n$/);
  expect(stdout).toMatch(/^llm_requests_total\{.*\} 1$/m);
  expect(code).toBe(0);
});
