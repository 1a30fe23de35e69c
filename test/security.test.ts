import { execFile } from "node:child_process";
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { otlp } from "@meterbridge/exporter-otlp";
import { prometheus } from "@meterbridge/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { afterEach, describe, expect, test } from "vitest";
import { startProcess, until } from "./support/servers.ts";

// What docs/security.md promises of all packages together; what one package promises is tested there.

const root = path.join(import.meta.dirname, "..");
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

describe("an application that hands its secrets to everything it can", () => {
  test("finds none of them in its metrics, exports, spans, ledger, log or files, and its files are its own", async () => {
    const canary = "canary4711";
    const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-secrets-"));
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
    const collector = await startBackend((_request, respond) => respond(200));
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
          CANARY: canary,
          METERBRIDGE_LOG_LEVEL: "all",
          METERBRIDGE_EXPORTERS: "prometheus,otlp",
          METERBRIDGE_PROMETHEUS_PORT: "0",
          METERBRIDGE_LEDGER: "sqlite",
          METERBRIDGE_LEDGER_DIRECTORY: path.join(directory, "kept"),
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.url.replace("//", `//user:${canary}-url@`),
          OTEL_EXPORTER_OTLP_HEADERS: `api-key=${canary}-setting`,
        },
      },
    );
    cleanups.push(() => application.stop("SIGKILL"));
    await until(() => application.output().includes("ready"), "the application to be done");
    const [, metricsUrl = ""] = /metrics at (http:\S+)/.exec(application.output()) ?? [];
    const metrics = await (await fetch(metricsUrl)).text();
    await application.stop("SIGTERM");

    const sent = collector.requests.map(({ body }) => body).join("\n");
    const files = readdirSync(path.join(directory, "kept"), { recursive: true, withFileTypes: true });
    const kept = files.filter((file) => file.isFile()).map((file) => path.join(file.parentPath, file.name));
    const stored = kept.map((file) => readFileSync(file, "latin1")).join("\n");
    // They say what happened, or there would be nothing to find a secret in.
    expect(metrics).toContain('llm_requests_total{model="gpt-5"');
    expect(sent).toContain("llm.requests");
    expect(collector.requests.map(({ path: where }) => where)).toEqual(
      expect.arrayContaining(["/v1/metrics", "/v1/traces"]),
    );
    expect(stored).toContain("gpt-5");
    for (const shown of [metrics, sent, stored, application.output()]) expect(leaks(shown, canary)).toEqual([]);

    const modes = files.map((file) => statSync(path.join(file.parentPath, file.name)).mode & 0o077);
    expect([...modes, statSync(path.join(directory, "kept")).mode & 0o077].every((mode) => mode === 0)).toBe(true);
  });
});

describe("exports", () => {
  test.each([301, 302, 307, 308])(
    "are not sent on to where a backend points with %d, nor is the key",
    async (status) => {
      const elsewhere = await startBackend((_request, respond) => respond(200));
      const backend = await startBackend((_request, respond) => respond(status, { location: elsewhere.url }));
      const reader = otlp({ url: backend.url, headers: { "api-key": "hunter2" } }).createReader({
        resourceAttributes: {},
        namespace: "",
        diag: { error() {}, warn() {}, info() {}, debug() {}, verbose() {} },
      });
      const provider = new MeterProvider({ readers: [reader] });
      cleanups.push(() => provider.shutdown());
      provider.getMeter("shop").createCounter("orders").add(1);
      await reader.forceFlush();
      expect(backend.requests[0]?.headers).toMatchObject({ "api-key": "hunter2" });
      expect(elsewhere.requests).toEqual([]);
    },
  );
});

describe("a server of ours", () => {
  test("is reachable from this machine alone, unless an address is set", async () => {
    const told: string[] = [];
    const keep = (line: string): void => void told.push(line);
    const start = async (options: object): Promise<string> => {
      const exporter = prometheus({ port: 0, ...options });
      const diag = { error: keep, warn: keep, info: keep, debug: keep, verbose: keep };
      const reader = exporter.createReader({ resourceAttributes: {}, namespace: "", diag });
      cleanups.push(() => reader.shutdown());
      return await until(() => exporter.address()?.address, "the exporter to listen");
    };
    expect(await start({})).toBe("127.0.0.1");
    expect(told.join()).not.toContain("anyone who reaches");
    expect(await start({ host: "0.0.0.0" })).toBe("0.0.0.0");
    expect(told.join()).toContain("anyone who reaches port");
  });

  test("is none but those that are known: nothing else in the packages listens", () => {
    const files = globSync("packages/*/src/**/*.ts", {
      cwd: root,
      // The testkit's backends stand on loopback, for tests alone.
      exclude: ["**/*.test.ts", "packages/benchmarks/**", "packages/testkit/**"],
    });
    const listening = files.filter((file) => /\.listen\(/.test(readFileSync(path.join(root, file), "utf8")));
    expect(listening).toEqual(["packages/exporter-prometheus/src/scrape-server.ts"]);
  });
});

describe("the supply chain", () => {
  const workspace = readFileSync(path.join(root, "pnpm-workspace.yaml"), "utf8");

  test.each([
    "strictDepBuilds: true",
    "blockExoticSubdeps: true",
    "minimumReleaseAge: 10080",
    "minimumReleaseAgeStrict: true",
    "trustPolicy: no-downgrade",
  ])("keeps its guard: %s", (setting) => {
    expect(workspace.split("\n")).toContain(setting);
  });

  test("lets no dependency run a script at its installation", () => {
    const [, allowed = ""] = /^allowBuilds:\n((?: .*\n)*)/m.exec(workspace) ?? [];
    expect(allowed).toContain("false");
    expect(allowed).not.toMatch(/: true/);
  });

  test("takes everything from the registry, by its hash: no address, no repository, no directory", () => {
    const lockfile = readFileSync(path.join(root, "pnpm-lock.yaml"), "utf8");
    const [, packages = ""] = /^packages:\n([^]*?)^snapshots:/m.exec(lockfile) ?? [];
    const resolutions = packages.match(/^ {4}resolution: .*/gm) ?? [];
    expect(resolutions.length).toBeGreaterThan(100);
    expect(resolutions.filter((line) => !/^ {4}resolution: \{integrity: sha512-[\w+/=]{88}\}$/.test(line))).toEqual([]);
  });

  test("has no package of ours run anything where it is installed", () => {
    const manifests = globSync("packages/*/package.json", { cwd: root });
    const scripts = manifests.flatMap((file) => {
      const { scripts: own = {} } = JSON.parse(readFileSync(path.join(root, file), "utf8")) as { scripts?: object };
      return Object.keys(own);
    });
    expect(scripts).toContain("build");
    expect(scripts.filter((name) => /^(?:pre|post)?(?:install|prepare|pack|publish)|^prepublish/.test(name))).toEqual(
      [],
    );
  });

  test("brings to an application no more than the list in docs/security.md", async () => {
    const filters = ["--filter", "./packages/*", "--filter", "!@meterbridge/benchmarks"];
    const kinds = ["--prod", "--exclude-peers", "--lockfile-only", "--sbom-format", "cyclonedx"];
    const { stdout } = await promisify(execFile)("pnpm", [...filters, "sbom", ...kinds], { cwd: root });
    const { components } = JSON.parse(stdout) as { components: { group?: string; name: string }[] };
    const names = components.map(({ group, name }) => (group === undefined ? name : `${group}/${name}`));
    const theirs = [...new Set(names.filter((name) => !name.startsWith("@meterbridge/")))].toSorted();
    const document = readFileSync(path.join(root, "docs/security.md"), "utf8");
    const [, list = ""] = /<!-- packages -->([^]*?)<!-- \/packages -->/.exec(document) ?? [];
    const listed = [...list.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
    expect(listed.toSorted()).toEqual(theirs);
  });
});

/** Which canaries are in a text. */
function leaks(text: string, canary: string): string[] {
  return [...new Set(text.match(new RegExp(`${canary}[\\w-]*`, "g")))];
}

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function startBackend(
  answer: (request: Received, respond: (status: number, headers?: Record<string, string>) => void) => void,
) {
  const requests: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { url = "", headers } = request;
      const received = { path: url, headers, body: Buffer.concat(chunks).toString("latin1") };
      requests.push(received);
      answer(received, (status, given = {}) => response.writeHead(status, given).end());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}
