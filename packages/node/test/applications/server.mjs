// A plain HTTP server without any signal handler: the most common service there is.
import { createServer } from "node:http";
import { llm } from "@meterbridge/core";

llm.record({ provider: "openai", model: "gpt-5" });
createServer((_request, response) => response.end("ok")).listen(0, "127.0.0.1", () => console.log("listening"));
