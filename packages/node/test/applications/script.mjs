// A script that ends by itself, with an exit code of its own.
import { llm } from "@meterbridge/core";
import { trace } from "@opentelemetry/api";

trace.getTracer("script").startSpan("work").end();
llm.record({ provider: "openai", model: "gpt-5" });
process.exitCode = 3;
console.log("done");
