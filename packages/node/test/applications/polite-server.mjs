// A server that handles SIGTERM itself: it answers what it has, and exits with a code of its own. `once` twice over, and
// one handler is older than start(), which must not make anybody believe that there is no handler.
import { createServer } from "node:http";
import { llm } from "@meterbridge/core";

process.once("SIGTERM", () => {
  console.log("closing");
  setTimeout(() => process.exit(7), 300);
});
if (process.argv[2] === "start") (await import("@meterbridge/node")).start();
llm.record({ provider: "openai", model: "gpt-5" });
createServer((_request, response) => response.end("ok")).listen(0, "127.0.0.1", () => console.log("listening"));
