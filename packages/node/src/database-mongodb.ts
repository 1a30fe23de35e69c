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
        (answer) => {
          finish(writeError(answer));
          return answer;
        },
        (error: unknown) => {
          finish(error);
          throw error;
        },
      );
    };
  });
}

/** An answer of the server: parsed, or as bytes that are looked into on demand. */
interface Answer {
  readonly writeErrors?: readonly { readonly code?: unknown }[];
  get?(name: string, type: number): { get(index: number, type: number): { getNumber(name: string): number } } | null;
}

/** A write that is refused is answered by `ok: 1` and a list of errors, of which the operation throws the first later. */
function writeError(answer: unknown): { readonly code: unknown } | undefined {
  try {
    const { writeErrors, get } = answer as Answer;
    if (writeErrors !== undefined) return { code: writeErrors[0]?.code };
    const code = get?.call(answer, "writeErrors", ARRAY)?.get(0, OBJECT).getNumber("code");
    return code === undefined ? undefined : { code };
  } catch {
    return undefined;
  }
}

// Types of BSON (bsonspec.org).
const OBJECT = 3;
const ARRAY = 4;

/** The first field of a command is its name, and its value the collection, where there is one. */
function operationOf(command: unknown): { readonly name: string; readonly collection?: string } | undefined {
  for (const name in command as object | undefined) {
    if (handshakes.has(name) || !/^\w{1,32}$/.test(name)) return undefined;
    const { [name]: target, collection } = command as Record<string, unknown>;
    // Of other commands the value is whatever they are about, a user's name for one.
    const found = name === "getMore" ? collection : ofCollections.has(name) ? target : undefined;
    return typeof found === "string" ? { name, collection: found } : { name };
  }
  return undefined;
}

const ofCollections: ReadonlySet<string> = new Set([
  "aggregate",
  "collMod",
  "count",
  "create",
  "createIndexes",
  "delete",
  "distinct",
  "drop",
  "dropIndexes",
  "find",
  "findAndModify",
  "insert",
  "listIndexes",
  "mapReduce",
  "update",
]);

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
