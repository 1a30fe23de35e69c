import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";

test.each(["fatal", "exit"])("a full disk does not stop the process for ever, at %s", async (when) => {
  const { ended } = run(`
    const logger = createLogger({ name: "api", destination: "/dev/full" });
    await sleep(50);
    logger.info("hello");
    await sleep(50);
    ${when === "fatal" ? 'logger.fatal("bye");' : "process.exit(0);"}
  `);
  expect(await ended).toBe(0);
});

test("a reader of stdout that reads no more does not keep the process from its end", async () => {
  const { child, ended } = run(`
    const logger = createLogger({ name: "api" });
    for (let line = 0; line < 2000; line++) logger.info({ pad: "p ".repeat(500) }, "hello");
    await sleep(300);
    process.exit(0);
  `);
  child.stdout.pause();
  await once(child, "exit");
  child.stdout.resume();
  expect(await ended).toBe(0);
});

test("a reader of stdout that is only slow gets every line whole at the end", async () => {
  const { child, ended } = run(`
    const logger = createLogger({ name: "api" });
    for (let line = 0; line < 500; line++) logger.info({ line, pad: "\u00e4 ".repeat(500) }, "hello");
    await sleep(250);
    process.exit(0);
  `);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stdout.pause();
  await sleep(450);
  child.stdout.resume();
  expect(await ended).toBe(0);
  const lines = output.trimEnd().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { line: number }).line)).toEqual(lines.map((_line, index) => index));
  expect(lines).toHaveLength(500);
});

test("what is logged to a file right before the end of the process is in it", async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-logs-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = path.join(directory, "app/api.log");
  const { ended } = run(`
    createLogger({ name: "api", destination: ${JSON.stringify(file)} }).info("hello");
    process.exit(0);
  `);
  expect(await ended).toBe(0);
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ message: "hello" });
});

/** A process that is ended after ten seconds, which is told as no exit code. */
function run(code: string): { child: ChildProcessByStdio<null, Readable, null>; ended: Promise<number | null> } {
  const logs = JSON.stringify(path.join(import.meta.dirname, "../src/logs.ts"));
  const script = `
    import { setTimeout as sleep } from "node:timers/promises";
    const { createLogger } = await import(${logs});
    ${code}
  `;
  const child = spawn(process.execPath, ["--conditions=@meterbridge/source", "--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 10_000,
    killSignal: "SIGKILL",
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "close").then(([status]) => status as number | null);
  return { child, ended };
}
