import { database } from "@meterbridge/core";
import { meterChannels } from "./database-channels.ts";
import { databaseErrorType } from "./database-errors.ts";
import { meterModules } from "./database-modules.ts";
import { isOwnTraffic } from "./database-own-traffic.ts";

/** Called when an operation begins; undefined for one that is not the application's. */
export type StartOperation = (
  system: string,
  operation: string | undefined,
  collection?: string,
) => FinishOperation | undefined;

/** Called when it has ended, with what it failed of, if it did. */
export type FinishOperation = (error: unknown) => void;

/**
 * Records `db.client.operation.duration` for what the application asks of databases through pg, mysql2, mongodb, redis (node-redis)
 * and ioredis, whichever of them it loads, also before this is called. docs/instrumentations.md says how for each of them. What
 * the ledger asks for itself is left out. The function ends it.
 */
export function startDatabaseMeters(): () => void {
  const undo = [meterChannels(startOperation), meterModules(startOperation)];
  return () => undo.forEach((each) => each());
}

function startOperation(system: string, operation: string | undefined, collection?: string) {
  if (isOwnTraffic()) return undefined;
  const started = performance.now();
  return (error: unknown): void => {
    const duration = (performance.now() - started) / 1000;
    database.record({
      system,
      duration,
      ...(operation === undefined ? {} : { operation }),
      ...(collection === undefined ? {} : { collection }),
      ...(error === undefined || error === null ? {} : { errorType: databaseErrorType(system, error) }),
    });
  };
}
