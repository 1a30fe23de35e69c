import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { startProcess } from "../../test/support/servers.ts";

test("an application needs nothing but the package's name to export to it", async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "meters-to-file-"));
  const target = path.join(directory, "meters.jsonl");
  const flags = ["--conditions=@meterbridge/source", "--import", "@meterbridge/node/register"];
  const application = startProcess(process.execPath, [...flags, "app.ts"], {
    cwd: import.meta.dirname,
    env: {
      PATH: process.env["PATH"],
      METERBRIDGE_EXPORTERS: "meters-to-file",
      METERBRIDGE_LEDGER: "off",
      METERS_FILE: target,
    },
  });
  try {
    expect(await application.ended, application.output()).toBe(0);
    expect(application.output()).toContain(`: file ${target};`);
    const lines = readFileSync(target, "utf8").trim().split("\n");
    const tokens = lines.map((line) => JSON.parse(line) as { name: string; value: unknown });
    expect(tokens).toContainEqual(expect.objectContaining({ name: "llm.requests", value: 1 }));
  } finally {
    await application.stop();
    rmSync(directory, { recursive: true });
  }
});
