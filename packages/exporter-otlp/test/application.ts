// An application in a process of its own. It records, ends the way its second argument says, and tells what happened in one
// line of JSON at the very end. Arguments: the URL, then "shuts down" | "flushes" | "just ends", then options as JSON.
import { setTimeout as sleep } from "node:timers/promises";
import { otlp } from "@meterbridge/exporter-otlp";
import type { DiagLogger } from "@opentelemetry/api";
import { MeterProvider } from "@opentelemetry/sdk-metrics";

export interface ApplicationReport {
  readonly told: readonly string[];
  readonly crashes: readonly string[];
  /** Milliseconds from the call to the end of `shutdown()` or `forceFlush()`. */
  readonly waited: number;
  /** Milliseconds from the same call to the end of the process. */
  readonly ended: number;
}

const [url = "", ending = "", optionsText = "{}"] = process.argv.slice(2);
const told: string[] = [];
const crashes: string[] = [];
process.on("unhandledRejection", (reason) => crashes.push(String(reason)));
process.on("uncaughtException", (error) => crashes.push(String(error)));

const tell = (message: string): void => void told.push(message);
const diag: DiagLogger = { error: tell, warn: tell, info: tell, debug() {}, verbose() {} };
const reader = otlp({ url, ...JSON.parse(optionsText) }).createReader({ resourceAttributes: {}, diag, namespace: "" });
const provider = new MeterProvider({ readers: [reader] });
provider.getMeter("application").createCounter("orders").add(7);

// One export is under way when the end comes: by flushing, or for the application that just ends, by its interval.
const before = ending === "just ends" ? sleep(3300) : Promise.race([reader.forceFlush(), sleep(300)]);
await before;
const begin = performance.now();
let waited = 0;
process.on("exit", () => {
  const report: ApplicationReport = { told, crashes, waited, ended: performance.now() - begin };
  console.log(JSON.stringify(report));
});
if (ending === "shuts down") await Promise.all([provider.shutdown(), reader.shutdown()]);
if (ending === "flushes") await provider.forceFlush();
waited = performance.now() - begin;
