import { createServer } from "node:net";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { freePort, startProcess } from "../../../test/support/servers.ts";
import type { ApplicationReport } from "./application.ts";
import { behaviours, startBackend } from "./backend.ts";

// The deadline is 3 seconds. A machine under load is given a second and a half more; without a deadline it is 7 and up.
const deadline = 3000;
const slack = 1500;

const bad = Object.entries(behaviours).filter(
  ([name]) => !["works", "answers 200 with garbage", "answers 200 with 8 MB"].includes(name),
);

describe.concurrent("an application that shuts down while its backend", () => {
  it.each(bad)("%s is done and gone within the deadline", { timeout: 20_000 }, async (_name, behaviour) => {
    const backend = await startBackend(behaviour);
    const { code, report } = await runApplication(backend.url, "shuts down");
    await backend.close();

    expect(code).toBe(0);
    expect(report.crashes).toEqual([]);
    expect(report.waited).toBeLessThan(deadline + slack);
    expect(report.ended).toBeLessThan(deadline + slack);
    expect(backend.requests.length, "the first export and the last").toBeGreaterThanOrEqual(2);
    expect(report.told.at(-1)).toMatch(/shut down before 127\.0\.0\.1:\d+ took the last export$/);
  });

  it("refuses connections is done and gone within the deadline", { timeout: 20_000 }, async () => {
    const { code, report } = await runApplication(`http://127.0.0.1:${await freePort()}/v1/metrics`, "shuts down");

    expect(code).toBe(0);
    expect(report.crashes).toEqual([]);
    expect(report.ended).toBeLessThan(deadline + slack);
    expect(report.told[0]).toContain("ECONNREFUSED");
  });

  it("never answers the TLS handshake is done and gone within the deadline", { timeout: 20_000 }, async () => {
    const silent = createServer((socket) => socket.on("error", () => {}));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    if (address === null || typeof address === "string") throw new Error("no port was given");
    const { code, report } = await runApplication(`https://127.0.0.1:${address.port}/v1/metrics`, "shuts down");
    silent.close();

    expect(code).toBe(0);
    expect(report.crashes).toEqual([]);
    expect(report.ended).toBeLessThan(deadline + slack);
  });

  it("works delivers its last values and says nothing", { timeout: 20_000 }, async () => {
    const backend = await startBackend();
    const { code, report } = await runApplication(backend.url, "shuts down");
    await backend.close();

    expect(code).toBe(0);
    expect(report.told).toEqual([]);
    expect(backend.requests.length).toBe(2);
  });

  it("never answers ends sooner when the option says so", { timeout: 20_000 }, async () => {
    const backend = await startBackend(behaviours["never answers"]);
    const { report } = await runApplication(backend.url, "shuts down", { shutdownTimeoutMillis: 500 });
    await backend.close();

    expect(report.ended).toBeGreaterThan(400);
    expect(report.ended).toBeLessThan(500 + slack);
  });
});

describe.concurrent("an application that flushes while its backend", () => {
  it.each(["never answers", "drips one byte every half second", "answers 503"] as const)(
    "%s goes on within the deadline",
    { timeout: 20_000 },
    async (name) => {
      const backend = await startBackend(behaviours[name]);
      const { code, report } = await runApplication(backend.url, "flushes");
      await backend.close();

      expect(code).toBe(0);
      expect(report.crashes).toEqual([]);
      expect(report.waited).toBeLessThan(deadline + slack);
      expect(report.told, "the process may end here, and nothing is lost in silence").toEqual([
        expect.stringMatching(/fail: (no answer within 3000 ms|it answered 503)/),
      ]);
    },
  );
});

describe.concurrent("an application that just ends while its backend", () => {
  it.each(["works", "never answers", "drips one byte every half second", "answers 503"] as const)(
    "%s is not kept alive by the export under way",
    { timeout: 20_000 },
    async (name) => {
      const backend = await startBackend(behaviours[name]);
      const { code, report } = await runApplication(backend.url, "just ends", {
        exportIntervalMillis: 3000,
        exportTimeoutMillis: 3000,
      });
      await backend.close();

      expect(code).toBe(0);
      expect(report.crashes).toEqual([]);
      expect(backend.requests.length).toBeGreaterThanOrEqual(1);
      expect(report.ended).toBeLessThan(slack);
    },
  );
});

async function runApplication(url: string, ending: string, options: object = {}) {
  const application = path.join(import.meta.dirname, "application.ts");
  const running = startProcess(process.execPath, [
    "--conditions=@meterbridge/source",
    application,
    url,
    ending,
    JSON.stringify(options),
  ]);
  const code = await running.ended;
  const line = running.output().trim().split("\n").at(-1) ?? "";
  if (!line.startsWith("{")) throw new Error(`the application said:\n${running.output()}`);
  const report: ApplicationReport = JSON.parse(line);
  return { code, report };
}
