import { mkdtempSync, rmSync } from "node:fs";
import { Agent, get, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { audit, openLedger } from "@meterbridge/ledger";
import { type RunningProcess, startProcess, until } from "../../../test/support/servers.ts";

// Processes of their own with the preload, the ledger in SQLite, and a collector that keeps what it is sent.

// Has the preload and the ledger among its dependencies, as an application would.
const applicationDirectory = path.join(import.meta.dirname, "../../../examples/demo");
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

describe("under load, SIGTERM", () => {
  test.each([
    ["at once", { drainDelayMillis: 0 }],
    ["after connections were taken for a while more", { drainDelayMillis: 700 }],
  ])("costs no request that was accepted and no event, and the process ends with 0: %s", async (_when, options) => {
    const application = await start(options);
    const load = startLoad(application.url);
    await until(() => load.answered() > 200, "the load to run");
    application.child.kill("SIGTERM");
    expect(await application.ended).toBe(0);
    expect(await load.ended).toEqual([]);
    const answered = load.answered();
    expect(application.output()).toContain(`requests taken: ${answered}\n`);
    expect(await application.ledger()).toEqual({ events: answered, clean: true });
    expect(application.output()).not.toMatch(/\[http\] shutdown|\[ledger\]/);
  });
});

describe("while the process drains", () => {
  test("it is not ready, and alive, and answers what comes, until it takes no more connections", async () => {
    const application = await start({ drainDelayMillis: 1000 });
    const { url } = application;
    expect((await ask(`${url}/health/ready`)).status).toBe(200);
    application.child.kill("SIGTERM");
    await until(async () => (await ask(`${url}/health/ready`)).status === 503, "the readiness to go", 1);
    expect((await ask(`${url}/health/ready`)).body).toContain("draining");
    expect((await ask(`${url}/health/live`)).status).toBe(200);
    const answer = await ask(`${url}/work`);
    expect([answer.status, answer.connection]).toEqual([200, "close"]);
    expect(await application.ended).toBe(0);
    await expect(ask(`${url}/work`)).rejects.toThrow("ECONNREFUSED");
  });

  test("a request on a kept connection, one in progress and one whose answer was begun are answered to the end", async () => {
    const application = await start({});
    const agent = new Agent({ keepAlive: true });
    cleanups.push(() => agent.destroy());
    await ask(`${application.url}/work`, agent);
    const inProgress = ask(`${application.url}/work?ms=900`, agent);
    const begun = ask(`${application.url}/stream?ms=900`, agent);
    await new Promise((resolve) => setTimeout(resolve, 200));
    application.child.kill("SIGTERM");
    expect(await inProgress).toMatchObject({ status: 200, connection: "close", body: "last" });
    expect(await begun).toMatchObject({ status: 200, connection: "keep-alive", body: "firstlast" });
    expect(await application.ended).toBe(0);
    expect(await application.ledger()).toMatchObject({ events: 3, clean: true });
  });

  test("clients that rest, say nothing, or stop half-way through a request do not hold it for longer than they must", async () => {
    const application = await start({ timeoutMillis: 6000 });
    const { port } = new URL(application.url);
    const rest = new Agent({ keepAlive: true });
    cleanups.push(() => rest.destroy());
    await ask(`${application.url}/work`, rest);
    const silent = connect(Number(port), "127.0.0.1");
    silent.on("error", () => {});
    await until(() => !silent.connecting, "the silent client to connect");
    const before = performance.now();
    application.child.kill("SIGTERM");
    expect(await application.ended).toBe(0);
    // The five seconds for which a kept connection would hold a server.
    expect(performance.now() - before).toBeLessThan(4000);
  });

  test("a client that stops half-way through a request is cut off at the requests' deadline", async () => {
    const application = await start({ timeoutMillis: 2000 });
    const half = connect(Number(new URL(application.url).port), "127.0.0.1");
    half.on("error", () => {});
    half.write("GET /work HTTP/1.1\r\nhost: x\r\n");
    await new Promise((resolve) => setTimeout(resolve, 300));
    const before = performance.now();
    application.child.kill("SIGTERM");
    expect(await application.ended).toBe(1);
    expect(performance.now() - before).toBeLessThan(2000 + margin);
    expect(application.output()).toMatch(/\[http\] shutdown: 1 connections were cut off after \d+ ms/);
  });
});

describe("within one deadline", () => {
  test("a handler that hangs is cut off and told, the ledger keeps its events, and the process ends with 1", async () => {
    const application = await start({ timeoutMillis: 2000, close: ["quick"] });
    await ask(`${application.url}/work`);
    const hanging = ask(`${application.url}/hang`).catch((error: Error) => error.message);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const before = performance.now();
    application.child.kill("SIGTERM");
    expect(await application.ended).toBe(1);
    expect(performance.now() - before).toBeLessThan(2000 + margin);
    expect(await hanging).toMatch(/socket hang up|ECONNRESET/);
    expect(application.output()).toMatch(/\[http\] shutdown: 1 connections were cut off after \d+ ms/);
    expect(application.output()).toContain("closed");
    expect(await application.ledger()).toMatchObject({ events: 1, clean: true });
  });

  test("a step that throws and one that hangs are told by their place, without the error's text, and the next is taken", async () => {
    const application = await start({ timeoutMillis: 3000, close: ["throws", "hangs", "quick"] });
    await ask(`${application.url}/work`);
    const before = performance.now();
    application.child.kill("SIGINT");
    expect(await application.ended).toBe(1);
    expect(performance.now() - before).toBeLessThan(3000 + margin);
    const output = application.output();
    expect(output).toContain("[meterbridge] [http] shutdown: close[0] failed: Error");
    expect(output).toMatch(/\[http\] shutdown: close\[1\] was not finished after \d+ ms: given up/);
    expect(output).toContain("closed");
    expect(output).not.toContain("hunter2");
    expect(await application.ledger()).toMatchObject({ events: 1, clean: true });
  });

  test("a second signal ends the process at once, with 143, and the ledger keeps what it has in memory", async () => {
    const application = await start({ timeoutMillis: 60_000 });
    await ask(`${application.url}/work`);
    const hanging = ask(`${application.url}/hang`).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 100));
    application.child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(application.child.exitCode).toBeNull();
    const before = performance.now();
    application.child.kill("SIGTERM");
    expect(await application.ended).toBe(143);
    expect(performance.now() - before).toBeLessThan(margin);
    await hanging;
    expect(await application.ledger()).toMatchObject({ events: 1, clean: true });
  });
});

describe("a WebSocket", () => {
  test("is said goodbye to by the application, and does not hold the process", async () => {
    const application = await start({ goodbye: true });
    const socket = await openSocket(application.url);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    application.child.kill("SIGTERM");
    expect(await closed).toBe(1001);
    expect(await application.ended).toBe(0);
  });

  test("that nobody says goodbye to is dropped after a second, instead of holding the process to its deadline", async () => {
    const application = await start({ timeoutMillis: 20_000 });
    const socket = await openSocket(application.url);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const before = performance.now();
    application.child.kill("SIGTERM");
    expect(await closed).toBe(1006);
    expect(await application.ended).toBe(0);
    expect(performance.now() - before).toBeLessThan(1000 + margin + 3000);
  });
});

// What this machine may need for anything.
const margin = 2000;

interface Application extends RunningProcess {
  readonly url: string;
  /** What was kept, once the process has ended. */
  ledger(): Promise<{ events: number; clean: boolean }>;
}

async function start(options: object): Promise<Application> {
  const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-shutdown-"));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  const application = startProcess(
    process.execPath,
    [
      "--conditions=@meterbridge/source",
      "--import",
      "@meterbridge/node/register",
      path.join(import.meta.dirname, "support/shutdown-application.ts"),
      JSON.stringify(options),
    ],
    {
      cwd: applicationDirectory,
      env: {
        PATH: process.env["PATH"],
        METERBRIDGE_EXPORTERS: "prometheus",
        METERBRIDGE_PROMETHEUS_PORT: "0",
        METERBRIDGE_LEDGER: "sqlite",
        METERBRIDGE_LEDGER_DIRECTORY: directory,
      },
    },
  );
  cleanups.push(() => application.stop("SIGKILL"));
  const port = await until(() => /^listening (\d+)$/m.exec(application.output())?.[1], "the application to listen");
  return {
    ...application,
    url: `http://127.0.0.1:${port}`,
    async ledger() {
      const ledger = openLedger({ directory });
      try {
        const today = new Date();
        const yesterday = new Date(today.getTime() - 86_400_000);
        const day = (date: Date): string => date.toISOString().slice(0, 10);
        const { checked, clean } = await audit(ledger.store, { from: day(yesterday), to: day(today) });
        return { events: checked.rows, clean };
      } finally {
        await ledger.close();
      }
    },
  };
}

interface Answered {
  readonly status: number | undefined;
  readonly connection: string | undefined;
  readonly body: string;
}

function ask(url: string, agent = new Agent()): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response: IncomingMessage) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode, connection: response.headers.connection, body }));
    });
    request.on("error", reject);
  });
}

/**
 * Twenty clients that keep their connections and ask again as soon as they are answered, until nobody takes their connection. One that is
 * made at the very moment in which the listening ends is reset instead of refused: how many requests were taken tells the two
 * from one that was lost.
 */
function startLoad(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  cleanups.push(() => agent.destroy());
  let answered = 0;
  async function askOn(client: number): Promise<string[]> {
    for (;;) {
      try {
        const { status, body } = await ask(`${url}/work?ms=${client}`, agent);
        if (status !== 200 || body !== "last") return [`${status} ${body}`];
        answered += 1;
      } catch (error) {
        const { code = "unknown", isReused } = error as NodeJS.ErrnoException & { isReused: boolean };
        return code === "ECONNREFUSED" || (code === "ECONNRESET" && !isReused) ? [] : [code];
      }
    }
  }
  const clients = Array.from({ length: 20 }, (_, client) => askOn(client));
  return { answered: () => answered, ended: Promise.all(clients).then((failures) => failures.flat()) };
}

async function openSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url.replace("http", "ws"));
  cleanups.push(() => socket.terminate());
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("open", resolve));
  const echo = new Promise((resolve) => socket.once("message", (message: Buffer) => resolve(message.toString())));
  socket.send("hello");
  expect(await echo).toBe("hello");
  return socket;
}
