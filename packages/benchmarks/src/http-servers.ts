import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import path from "node:path";
import type { Contestant } from "./startup.ts";

/** A server under measurement, in a process of its own. */
export interface HttpServer {
  readonly url: string;
  /** Processor time used so far, in µs. */
  processorTime(): Promise<number>;
  /** How many requests its meters have counted, or undefined where it has no Prometheus page. */
  counted(): Promise<number | undefined>;
  stop(): Promise<void>;
}

export interface HttpContestant extends Contestant {
  /** What its users put into their application by hand. */
  readonly middleware?: string;
  /** Whether it serves its meters on the port of `METERBRIDGE_PROMETHEUS_PORT`. */
  readonly isScraped?: boolean;
}

export const httpContestants: readonly HttpContestant[] = [
  { peer: "bare", flags: [] },
  { peer: "prom-client", package: "prom-client", flags: [], middleware: "./prom-client.cjs" },
  {
    peer: "meterbridge",
    package: "@meterbridge/node",
    flags: ["-r", "@meterbridge/node/register"],
    environment: { METERBRIDGE_EXPORTERS: "prometheus", METERBRIDGE_LEDGER: "off" },
    isScraped: true,
  },
  { peer: "otel-3", package: "@opentelemetry/instrumentation-http", flags: ["-r", "./src/http/otel-3.cjs"] },
];

export async function startHttpServer(
  contestant: HttpContestant,
  variant: string,
  nodeFlags: readonly string[],
): Promise<HttpServer> {
  const { flags, environment, middleware, isScraped } = contestant;
  const metricsPort = isScraped === true ? await freePort() : undefined;
  const child = fork("./src/http/server.cjs", [variant], {
    cwd: path.join(import.meta.dirname, ".."),
    execArgv: [...nodeFlags, ...flags],
    env: {
      PATH: process.env["PATH"],
      ...environment,
      ...(middleware !== undefined && { MIDDLEWARE: middleware }),
      ...(metricsPort !== undefined && { METERBRIDGE_PROMETHEUS_PORT: String(metricsPort) }),
    },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let complaints = "";
  child.stderr?.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  const { port } = await Promise.race([
    told<{ port: number }>(child),
    once(child, "exit").then(() => {
      throw new Error(`the server of "${contestant.peer}" ended before it was measured:\n${complaints}`);
    }),
  ]);
  return {
    url: `http://127.0.0.1:${port}/users/42`,
    async processorTime() {
      const answer = told<{ processorTime: NodeJS.CpuUsage }>(child);
      child.send("processor time");
      const { user, system } = (await answer).processorTime;
      return user + system;
    },
    async counted() {
      if (metricsPort === undefined) return undefined;
      const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      const counts = page.matchAll(/^http_server_request_duration_seconds_count\S* (\d+)/gm);
      return Array.from(counts, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0);
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

async function told<Message>(child: ChildProcess): Promise<Message> {
  const [message] = (await once(child, "message")) as [Message];
  return message;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}
