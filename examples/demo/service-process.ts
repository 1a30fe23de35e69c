import { spawn } from "node:child_process";
import path from "node:path";

/** The service, running as its own process with Meterbridge preloaded. */
export interface ServiceProcess {
  /** Its address, for example `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly pid: number;
  /** Resolves when it is gone, with the reason in words. */
  readonly ended: Promise<string>;
  /** Its last lines of output. */
  lastOutput(): string;
  /** Asks it to end, which flushes what is not exported yet, and insists after 6 seconds. */
  stop(): Promise<void>;
}

const directory = import.meta.dirname;

/** Starts `service.ts` and resolves when it listens; rejects with its output when it does not within 20 seconds. */
export async function startService(environment: NodeJS.ProcessEnv): Promise<ServiceProcess> {
  const child = spawn(
    process.execPath,
    [
      "--conditions=@meterbridge/source",
      "--import",
      path.join(directory, "tether.ts"),
      "--import",
      "@meterbridge/node/register",
      path.join(directory, "service.ts"),
    ],
    {
      // From here the names of exporters resolve to the packages that the demo depends on.
      cwd: directory,
      env: { ...environment, PORT: "0" },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // Its own group, so that Ctrl-C reaches the demo alone and the last totals can still be read.
      detached: true,
    },
  );

  const lines: string[] = [];
  const listening = new Promise<string>((resolve) => {
    const keep = (text: string): void => {
      lines.push(...text.split("\n").filter((line) => line !== ""));
      lines.splice(0, lines.length - 20);
      const url = /listening on (\S+)/.exec(text)?.[1];
      if (url !== undefined) resolve(url);
    };
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", keep);
  });
  const lastOutput = (): string => lines.join("\n");

  let gone = false;
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  }).finally(() => (gone = true));

  const stop = async (): Promise<void> => {
    if (gone) return;
    child.kill("SIGTERM");
    const insist = setTimeout(() => child.kill("SIGKILL"), 6_000);
    await ended;
    clearTimeout(insist);
  };

  const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const first = await Promise.race([listening, ended.then((reason) => ({ reason }))]);
  clearTimeout(late);
  if (typeof first === "string") return { url: first, pid: child.pid ?? 0, ended, lastOutput, stop };
  throw new Error(`the service did not start (${first.reason}); its last output:\n${lastOutput()}`);
}
