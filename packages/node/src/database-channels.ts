import diagnosticsChannel from "node:diagnostics_channel";
import type { FinishOperation, StartOperation } from "./database-meters.ts";
import { sqlOperation } from "./database-statement.ts";

/** A message of a tracing channel: the client's, one object for an operation from its start to its end. */
interface Message {
  readonly command?: unknown;
  readonly query?: unknown;
  readonly batchMode?: unknown;
  readonly error?: unknown;
  [finish]?: FinishOperation | undefined;
}

/** A tracing channel that a client publishes its operations on. */
interface ClientChannel {
  readonly name: string;
  readonly system: string;
  /** Undefined: not an operation to be counted, because its parts are. */
  operation(message: Message): { readonly name: string | undefined } | undefined;
}

const sql = (message: Message) => ({ name: sqlOperation(message.query) });
const command = (message: Message) => {
  const name = commandName(message.command);
  return name !== undefined && handshakes.has(name) ? undefined : { name };
};

/**
 * mysql2, `redis` (node-redis) and ioredis publish every operation by themselves, on these channels. Commands in a transaction are published one by one by ioredis; node-redis publishes the transaction alone, and of a pipeline both.
 */
const channels: readonly ClientChannel[] = [
  { name: "mysql2:query", system: "mysql", operation: sql },
  { name: "mysql2:execute", system: "mysql", operation: sql },
  { name: "ioredis:command", system: "redis", operation: command },
  { name: "node-redis:command", system: "redis", operation: command },
  {
    name: "node-redis:batch",
    system: "redis",
    operation: ({ batchMode }) => (batchMode === "MULTI" ? { name: "MULTI" } : undefined),
  },
];

/** Meters what the clients publish on their channels. Nothing of a client is loaded or changed. The function ends it. */
export function meterChannels(start: StartOperation): () => void {
  const undo = channels.map(({ name, system, operation }) => {
    const channel = diagnosticsChannel.tracingChannel<unknown, Message>(name);
    const end = (message: Message): void => {
      message[finish]?.(message.error);
      message[finish] = undefined;
    };
    const begin = (message: Message): void => {
      const found = operation(message);
      if (found !== undefined) message[finish] = start(system, found.name);
    };
    // What failed before anything was sent has an error and no end.
    const handlers = { start: harmless(begin), asyncEnd: harmless(end), error: harmless(end) };
    channel.subscribe(handlers as never);
    return () => channel.unsubscribe(handlers as never);
  });
  return () => undo.forEach((each) => each());
}

/** What a subscriber throws ends the process, and anybody may publish anything. */
function harmless(handler: (message: Message) => void): (message: Message) => void {
  return (message) => {
    try {
      handler(message);
    } catch {
      // Not a message of the client's: not counted.
    }
  };
}

const finish: unique symbol = Symbol("meterbridge.finish");

/** What a client of Redis asks for itself when it connects; older servers answer some of it by an error. */
const handshakes: ReadonlySet<string> = new Set(["AUTH", "CLIENT", "HELLO", "INFO"]);

/** `GET`, `FT.SEARCH`. A command is text of the application's, so it has to look like one. */
function commandName(given: unknown): string | undefined {
  const name = typeof given === "string" ? given.toUpperCase() : "";
  return /^[A-Z][A-Z0-9._-]{0,31}$/.test(name) ? name : undefined;
}
