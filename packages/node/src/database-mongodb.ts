import type { StartOperation } from "./database-meters.ts";
import { wrapMethod } from "./database-wrap.ts";

/** Meters mongodb by the `command()` of its connections, which every operation comes down to, with its collection. */
export function meterMongodb(exports: unknown, start: StartOperation): (() => void) | undefined {
  return wrapMethod((exports as { readonly Connection?: unknown }).Connection ?? exports, "command", (command) => {
    return function (this: unknown, ...given: unknown[]) {
      const found = operationOf(given[1]);
      const finish = found === undefined ? undefined : start("mongodb", found.name, found.collection);
      if (finish === undefined) return command.apply(this, given);
      return (command.apply(this, given) as Promise<unknown>).then(
        (value) => {
          finish(undefined);
          return value;
        },
        (error: unknown) => {
          finish(error);
          throw error;
        },
      );
    };
  });
}

/** The first field of a command is its name, and its value the collection, where there is one. */
function operationOf(command: unknown): { readonly name: string; readonly collection?: string } | undefined {
  for (const name in command as object | undefined) {
    if (handshakes.has(name) || !/^\w{1,32}$/.test(name)) return undefined;
    const { [name]: target, collection = target } = command as Record<string, unknown>;
    return typeof collection === "string" ? { name, collection } : { name };
  }
  return undefined;
}

/** What the client asks for itself: who is there, heartbeats, signing in and out. */
const handshakes: ReadonlySet<string> = new Set([
  "hello",
  "ismaster",
  "isMaster",
  "saslStart",
  "saslContinue",
  "authenticate",
  "endSessions",
]);
