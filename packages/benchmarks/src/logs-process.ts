import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import { createLogger } from "@meterbridge/http/logs";
import { requests } from "@meterbridge/http/node";
import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { pino } from "pino";

// Prints the processor time of one line in nanoseconds. Arguments: the peer and the destination.

const linesPerTurn = 100;
const turnsPerRound = 200;
const rounds = 12;
const requestId = "0189f7c2-1c5e-7b5e-9d3a-3f1c2b4a5d6e";

const [peer, kind] = process.argv.slice(2);
const destination = pino.destination({
  dest: "/dev/null",
  ...(kind === "sync" ? { sync: true } : { sync: false, minLength: 4096 }),
});

/** The line a user of pino writes by hand, with the fields that ours has. */
function writeBare(): () => void {
  const logger = pino(
    {
      base: { logger: "api" },
      messageKey: "message",
      errorKey: "exception",
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
    },
    destination,
  );
  let number = 0;
  return () =>
    logger.info(
      {
        request_id: requestId,
        tenant: "acme",
        user_id: "u-1",
        method: "GET",
        route: "/users/:id",
        status: 200,
        duration_ms: (number++ % 100) + 0.125,
      },
      "request completed",
    );
}

function writeOurs(): () => void {
  const logger = createLogger({ name: "api", destination });
  let number = 0;
  return () =>
    logger.info(
      { method: "GET", route: "/users/:id", status: 200, duration_ms: (number++ % 100) + 0.125 },
      "request completed",
    );
}

async function measure(write: () => void): Promise<number> {
  const measured: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    for (let index = 0; index < turnsPerRound; index++) {
      for (let line = 0; line < linesPerTurn; line++) write();
      await turn();
    }
    const { user, system } = process.cpuUsage(before);
    // The first rounds are the compiler's.
    if (round > 2) measured.push(((user + system) * 1000) / (linesPerTurn * turnsPerRound));
  }
  return measured.toSorted((left, right) => left - right)[measured.length >> 1] ?? NaN;
}

// Both are measured within a request, as its line is written.
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const server = createServer(
  requests({ attribution: () => ({ tenant: "acme", user: "u-1" }) }, async (_request: IncomingMessage, response) => {
    const result = await measure(peer === "bare" ? writeBare() : writeOurs());
    response.end(String(result));
  }),
);
server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
if (address === null || typeof address === "string") throw new Error("no port was given");
const response = await fetch(`http://127.0.0.1:${address.port}/`, { headers: { "x-request-id": requestId } });
console.log(await response.text());
server.close();
server.closeAllConnections();
