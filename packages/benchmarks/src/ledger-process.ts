import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { LedgerTasks } from "./ledger-tasks.ts";

/** Runs a task in a process of its own, with a heap that nothing else has filled, and gives what it measured. */
export async function inOwnProcess<Name extends keyof LedgerTasks>(
  name: Name,
  input: Parameters<LedgerTasks[Name]>[0],
): Promise<Awaited<ReturnType<LedgerTasks[Name]>>> {
  const child = fork(fileURLToPath(new URL("./ledger-child.ts", import.meta.url)), {
    execArgv: ["--conditions=@meterbridge/source", "--expose-gc", ...profiling()],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let complaints = "";
  child.stderr?.on("data", (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-4000)));
  const outcome = new Promise<unknown>((resolve, reject) => {
    child.once("message", ({ value, failure }: { value: unknown; failure?: string }) => {
      if (failure === undefined) resolve(value);
      else reject(new Error(`${name}: ${failure}`));
    });
    child.once("error", reject);
    child.once("close", (code) => {
      reject(new Error(`${name} ended with ${code ?? "a signal"} before it had measured anything:\n${complaints}`));
    });
    child.send({ name, input });
  });
  return outcome as Promise<Awaited<ReturnType<LedgerTasks[Name]>>>;
}

/** `METERBRIDGE_BENCHMARK_PROFILES=directory` has each process write a CPU profile there. */
function profiling(): string[] {
  const directory = process.env["METERBRIDGE_BENCHMARK_PROFILES"];
  return directory === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${directory}`];
}
