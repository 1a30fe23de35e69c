import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type DemoOptions, help, readCommandLine } from "./command-line.ts";
import type { Frame } from "./frame.ts";
import { openScreen, type Screen } from "./screen.ts";
import { closeBooks, renderReport, requestsFromElsewhere } from "./report.ts";
import { openStage, type Stage } from "./stage.ts";
import type { Summary } from "./summary.ts";

void main();

async function main(): Promise<void> {
  const options = readCommandLine(process.argv.slice(2));
  if (options === "help") process.stdout.write(help);
  else if ("wrong" in options) fail(2, `${options.wrong} (see --help)`);
  else {
    try {
      process.exitCode = await play(options);
    } catch (error) {
      fail(1, error instanceof Error ? error.message : String(error));
    }
  }
}

function fail(exitCode: number, reason: string): void {
  process.stderr.write(`${reason}\n`);
  process.exitCode = exitCode;
}

/** Runs the demo to its end; gives the exit code. */
async function play(options: DemoOptions): Promise<number> {
  const ending = new AbortController();
  const end = (signal: NodeJS.Signals): void => {
    // Asked a second time: do not wait. The tether ends the service.
    if (ending.signal.aborted) process.exit(signal === "SIGINT" ? 130 : 143);
    ending.abort();
  };
  process.on("SIGINT", end).on("SIGTERM", end);

  const stage = await openStage({ ticketsPerSecond: options.rate, seed: options.seed, environment: process.env });
  const screen = openScreen(process.stdout);
  let died: string | undefined;
  void stage.service.ended.then((reason) => {
    died = reason;
    ending.abort();
  });
  try {
    const seconds = await watch(stage, screen, options.seconds, ending.signal);
    await stage.traffic.stop();
    if (died !== undefined)
      throw new Error(`the service ended (${died}); its last output:\n${stage.service.lastOutput()}`);
    const report = await closeBooks(stage, seconds);
    screen.close();
    process.stdout.write(`${renderReport(stage, report).join("\n")}\n`);
    if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
    return report.differences.length === 0 || requestsFromElsewhere(report) > 0 ? 0 : 1;
  } finally {
    screen.close();
    await stage.stop();
  }
}

/** Shows a frame each second until the time is over or someone ends it; gives the seconds that passed. */
async function watch(stage: Stage, screen: Screen, limit: number | undefined, ending: AbortSignal): Promise<number> {
  const started = performance.now();
  const passed = (): number => (performance.now() - started) / 1000;
  while (!ending.aborted && passed() < (limit ?? Infinity)) {
    screen.show(frameOf(stage, passed(), await readMeters(stage), "Ctrl-C ends"));
    const pause = Math.min(1, (limit ?? Infinity) - passed());
    if (pause > 0) await sleep(pause * 1000, undefined, { signal: ending }).catch(() => {});
  }
  return passed();
}

async function readMeters(stage: Stage): Promise<Summary | undefined> {
  // The next frame tries again; a service that is gone is noticed by its process.
  const page = await stage.readPrometheus().catch(() => undefined);
  return page ?? (stage.otlpExports() === 0 ? undefined : stage.readOtlp());
}

function frameOf(stage: Stage, seconds: number, summary: Summary | undefined, note: string): Frame {
  const { addresses, exporters } = stage;
  return { seconds, addresses, exporters, summary, note, sent: stage.sent(), otlpExports: stage.otlpExports() };
}
