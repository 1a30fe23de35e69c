/**
 * An application that meters model calls and then ends in the way it is told: `end`, `exit`, `throw`, or `wait` for a signal.
 * The calls are made in one turn of the event loop, so that all of them are still in memory when it ends. Or it is `busy`: then it
 * never stops by itself, and prints a # for each call.
 */
import { writeSync } from "node:fs";
import { llm, task, withAttribution } from "@meterbridge/core";

const [calls = "100", ending = "end"] = process.argv.slice(2);

if (ending === "wait") {
  setInterval(() => {}, 1000);
  process.on("message", () => {
    meter();
    // Taken events are noted at the end of the turn.
    setImmediate(() => process.send?.("metered"));
  });
  process.send?.("ready");
} else if (ending === "busy") {
  setInterval(() => {
    meter();
    writeSync(1, "#".repeat(Number(calls)));
  }, 1);
} else {
  meter();
  if (ending === "exit") process.exit(3);
  if (ending === "throw") throw new Error("the application's own fault");
}

function meter(): void {
  withAttribution({ tenant: "acme", employee: "ada" }, () => {
    for (let call = 0; call < Number(calls); call++) {
      llm.record({
        provider: "openai",
        model: "gpt-5",
        inputTokens: 100,
        outputTokens: 10,
        costUsd: 0.001,
        duration: 1,
      });
    }
    if (Number(calls) > 0 && ending !== "busy") task.record({ name: "ticket", status: "completed", duration: 2 });
  });
}
