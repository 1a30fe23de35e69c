import { Agent, get, type IncomingMessage } from "node:http";
import { expect, it } from "vitest";
import { startProcess, until } from "../../../test/support/servers.ts";

/** Starts the exporter, works for as long as it is told, and stops nothing: the process should end by itself. */
function start(milliseconds: number): ReturnType<typeof startProcess> {
  const script = `
    import { startExporter } from "./started-exporter.ts";
    const { meter, port } = await startExporter();
    meter.createCounter("work.done").add(1);
    console.log("listening at", port);
    setTimeout(() => {}, ${milliseconds});
  `;
  const flags = ["--conditions=@meterbridge/source", "--input-type=module", "--eval", script];
  return startProcess(process.execPath, flags, { cwd: import.meta.dirname });
}

it("lets a script end by itself that has started the exporter and never stops it", async () => {
  const script = start(0);
  expect(await script.ended).toBe(0);
  expect(script.output()).toContain("listening at");
});

it("lets a script end although a scraper keeps its connection open", async () => {
  const script = start(1_500);
  const port = await until(() => /listening at (\d+)/.exec(script.output())?.[1], "the script to listen");
  const agent = new Agent({ keepAlive: true });
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ agent, host: "127.0.0.1", port, path: "/metrics" }, resolve).once("error", reject);
    });
    answer.resume();
    expect([answer.statusCode, answer.headers.connection]).toEqual([200, "keep-alive"]);
    const started = performance.now();
    expect(await script.ended).toBe(0);
    // An idle connection would have held it for the keep-alive timeout of five seconds.
    expect(performance.now() - started).toBeLessThan(4_500);
  } finally {
    agent.destroy();
    await script.stop();
  }
});
