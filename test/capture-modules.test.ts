import path from "node:path";
import { expect, test } from "vitest";
import { startBedrock } from "../packages/genai/test/support/bedrock.ts";
import { startProvider } from "../packages/genai/test/support/provider.ts";
import { startProcess } from "./support/servers.ts";

const root = path.join(import.meta.dirname, "..");

test("calls of AWS's own client are metered by the preload, though they go by no fetch, and not where capture is off", async () => {
  const bedrock = await startBedrock(2);
  try {
    const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15 };
    const body = { output: { message: { role: "assistant", content: [] } }, stopReason: "end_turn", usage };
    bedrock.script({ body }, { body });
    expect(await run("bedrock", bedrock.url, {})).toEqual([1]);
    expect(await run("bedrock", bedrock.url, { METERBRIDGE_CAPTURE: "none" })).toEqual([]);
  } finally {
    await bedrock.stop();
  }
});

test("calls by the fetch of the package undici are metered by the preload, though it is not Node.js's own", async () => {
  const provider = await startProvider();
  try {
    expect(await run("undici", provider.url, {})).toEqual([1]);
    expect(await run("undici", provider.url, { METERBRIDGE_CAPTURE: "none" })).toEqual([]);
  } finally {
    await provider.stop();
  }
});

async function run(kind: string, url: string, environment: Record<string, string>): Promise<unknown> {
  const application = startProcess(
    process.execPath,
    [
      "--conditions=@meterbridge/source",
      "--import",
      path.join(root, "packages/node/src/register.ts"),
      path.join(root, `packages/genai/test/support/${kind}-application.ts`),
      url,
    ],
    {
      env: {
        ...process.env,
        METERBRIDGE_EXPORTERS: "prometheus",
        METERBRIDGE_PROMETHEUS_PORT: "0",
        METERBRIDGE_LEDGER: "off",
        METERBRIDGE_LOG_LEVEL: "error",
        ...environment,
      },
    },
  );
  await application.ended;
  const line = application.output().trim().split("\n").at(-1) ?? "";
  expect(line, application.output()).toMatch(/^\[/);
  return JSON.parse(line);
}
