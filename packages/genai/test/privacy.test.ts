import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startProcess, until } from "../../../test/support/servers.ts";
import { startProvider } from "./support/provider.ts";
import type { Reply } from "./support/reply.ts";

const marker = "secret4711";
const calls = 15;

// Of everything that a call says or is told, nothing may be found in what is kept or sent: a run in a process of its own, so that
// the preload, the exporters, the log and the ledger are those of an application.
test(
  "no prompt, answer, tool, key, header, file name or error text of any model call leaves the application",
  { timeout: 120_000 },
  async () => {
    const provider = await startProvider();
    onTestFinished(() => provider.stop());
    const said: Reply = {
      text: [`${marker}-answer`, ` ${marker}-more`],
      thoughts: [`${marker}-thought`],
      toolCalls: [{ name: `${marker}-called`, arguments: `{"city":"${marker}-argument"}` }],
      delivery: { headers: { "x-request-id": `${marker}-request`, "set-cookie": `${marker}-set` } },
    };
    // Its type is no secret: the client of Anthropic tells it in a span of its own.
    const failure = { status: 400, type: "invalid_request_error", message: `refused: ${marker}-message` };
    provider.script(
      ...Array.from({ length: calls }, () => said),
      ...Array.from({ length: calls }, () => ({ failure })),
      ...Array.from({ length: calls }, () => ({
        raw: { frames: [`{"error":{"type":"${marker}-type","message":"${marker}-message"},"${marker}-cut`] },
      })),
    );
    const backend = await startBackend();
    const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-privacy-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const root = path.join(import.meta.dirname, "../../..");
    const application = startProcess(
      process.execPath,
      [
        "--conditions=@meterbridge/source",
        "--import",
        "@meterbridge/node/register",
        path.join(import.meta.dirname, "support/secretive-application.ts"),
      ],
      {
        // Has the preload, the exporters and the ledger among its dependencies.
        cwd: path.join(root, "examples/demo"),
        env: {
          PATH: process.env["PATH"],
          MARKER: marker,
          PROVIDER: provider.url,
          METERBRIDGE_LOG_LEVEL: "all",
          METERBRIDGE_EXPORTERS: "prometheus,otlp",
          METERBRIDGE_PROMETHEUS_PORT: "0",
          METERBRIDGE_LEDGER: "sqlite",
          METERBRIDGE_LEDGER_DIRECTORY: directory,
          OTEL_EXPORTER_OTLP_ENDPOINT: backend.url,
        },
      },
    );
    onTestFinished(() => application.stop("SIGKILL"));
    const ended = application.ended.then(() => {
      throw new Error(`the application has ended:\n${application.output()}`);
    });
    const ready = until(() => application.output().includes("ready"), "the application to have made its calls", 60);
    await Promise.race([ready, ended]);
    expect(application.output()).toContain(`ready after ${calls} calls`);
    const [, page = ""] = /metrics at (http:\S+)/.exec(application.output()) ?? [];
    const metrics = await (await fetch(page)).text();
    await application.stop("SIGTERM");

    const sent = backend.received();
    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    const kept = files.map((file) => readFileSync(path.join(file.parentPath, file.name), "latin1")).join("\n");
    // The provider was told all of it, and what is shown tells of every provider: or there would be nothing to find a secret in.
    const asked = provider.requests
      .map(({ headers, bytes }) => JSON.stringify(headers) + bytes.toString("latin1"))
      .join("\n");
    for (const place of [
      "key",
      "header",
      "cookie",
      "organization",
      "system",
      "prompt",
      "tool",
      "description",
      "file",
      "user",
      "metadata",
    ]) {
      expect(asked).toContain(`${marker}-${place}`);
    }
    for (const model of [
      "gpt-5",
      "claude-sonnet-5",
      "gemini-2.5-flash",
      "llama3.3",
      "text-embedding-3-small",
      "gpt-4o-transcribe",
    ]) {
      expect(metrics).toContain(`model="${model}"`);
      for (const shown of [sent.get("/v1/metrics"), sent.get("/v1/traces"), kept]) expect(shown).toContain(model);
    }
    const shown = { metrics, kept, log: application.output(), ...Object.fromEntries(sent) };
    for (const [where, text] of Object.entries(shown)) {
      expect([...new Set(text?.match(new RegExp(`${marker}[-\\w]*`, "g")))], where).toEqual([]);
    }
  },
);

interface Backend {
  readonly url: string;
  /** All that was sent, by path. */
  received(): ReadonlyMap<string, string>;
}

/** Takes what is pushed by OTLP. */
async function startBackend(): Promise<Backend> {
  const received = new Map<string, string>();
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const text = JSON.stringify(request.headers) + Buffer.concat(parts).toString("latin1");
      received.set(request.url ?? "", (received.get(request.url ?? "") ?? "") + text);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, received: () => received };
}
