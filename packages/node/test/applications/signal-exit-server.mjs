// A server with the package signal-exit in it, which steps back when somebody else listens to the signal.
import { createServer } from "node:http";
import { llm } from "@meterbridge/core";
import { onExit } from "signal-exit";

onExit((code, signal) => console.log(`signal-exit saw ${signal ?? code}`));
llm.record({ provider: "openai", model: "gpt-5" });
createServer((_request, response) => response.end("ok")).listen(0, "127.0.0.1", () => console.log("listening"));
