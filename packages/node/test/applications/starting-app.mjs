// Starts in code, without a preload.
import { start } from "@meterbridge/node";

start();
await import("./app.mjs");
