// One process of a cluster, or one worker thread, that does what it is told and says when it is done.
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import type { PrometheusOptions } from "../src/index.ts";
import { startExporter } from "./started-exporter.ts";

/** What the program is told. `hang` holds its event loop for so many milliseconds. */
export interface InstanceCommand {
  readonly id: number;
  readonly do: "count" | "set" | "balance" | "record" | "hang" | "shutdown" | "exit" | "render";
  readonly value?: number;
}

/** What it answers. */
export interface InstanceAnswer {
  readonly answers: number;
  readonly text?: string;
}

const across = isMainThread ? "cluster" : "threads";
const options: PrometheusOptions = { ...(workerData as PrometheusOptions | null), server: false, aggregate: across };
const { meter, provider, exporter } = await startExporter(options);
const calls = meter.createCounter("calls", { description: "Calls" });
const level = meter.createGauge("level", { description: "Level" });
const open = meter.createUpDownCounter("open", { description: "Open" });
const wait = meter.createHistogram("wait", { description: "Wait", advice: { explicitBucketBoundaries: [1, 10] } });

async function obey({ do: what, value = 0 }: InstanceCommand): Promise<string | undefined> {
  switch (what) {
    case "count":
      calls.add(value, { model: "gpt" });
      return undefined;
    case "set":
      level.record(value);
      return undefined;
    case "balance":
      open.add(value);
      return undefined;
    case "record":
      wait.record(value);
      return undefined;
    case "hang":
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, value);
      return undefined;
    case "shutdown":
      await provider.shutdown();
      return undefined;
    case "render":
      return await exporter.render().catch((error: unknown) => String(error));
    case "exit":
      process.exit(0);
  }
}

function reply(answer: InstanceAnswer): void {
  if (parentPort === null) process.send?.(answer);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- to a thread, not to a window
  else parentPort.postMessage(answer);
}

function hear(command: unknown): void {
  if (typeof command !== "object" || command === null || !("do" in command)) return;
  const given = command as InstanceCommand;
  void obey(given).then((text) => reply({ answers: given.id, ...(text === undefined ? {} : { text }) }));
}

if (parentPort === null) process.on("message", hear);
else parentPort.on("message", hear);
reply({ answers: 0 });
