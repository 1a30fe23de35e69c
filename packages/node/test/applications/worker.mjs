// Starts a worker thread, which inherits the preload.
import { Worker } from "node:worker_threads";

const source = `console.log(Boolean(globalThis[Symbol.for("meterbridge.sdk")]) ? "started in the worker" : "quiet worker");`;
const worker = new Worker(source, { eval: true });
worker.on("exit", (code) => (process.exitCode = code));
