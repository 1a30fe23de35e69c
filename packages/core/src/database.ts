import { catalogueMeter } from "./catalogue.ts";
import type { CoreState } from "./core-state.ts";
import { createFamily } from "./family.ts";
import { guarded } from "./guard.ts";
import { readFields } from "./reading.ts";

/** A database operation that has ended. */
export interface DatabaseOperation {
  /** `postgresql`, `redis`, … (`db.system.name`). */
  readonly system: string;
  /** `SELECT`, `GET`, … */
  readonly operation?: string;
  /** Table, collection or key family. */
  readonly collection?: string;
  /** Seconds. */
  readonly duration: number;
  readonly errorType?: string;
}

export interface DatabaseRecorder {
  /** Records the operation's duration in `db.client.operation.duration`. */
  record(operation: DatabaseOperation): void;
}

export function createDatabaseRecorder(state: CoreState): DatabaseRecorder {
  const name = "db.client.operation.duration";
  const operations = createFamily(state, { members: { seconds: { meter: catalogueMeter(name) } } });
  return {
    record: guarded(state, name, undefined, (operation: DatabaseOperation) => {
      const { values, duration } = readFields(state, name, operation, (fields) => ({
        values: [fields.system, fields.operation, fields.collection, fields.errorType],
        duration: fields.duration,
      }));
      operations.series(values).cells.seconds(duration);
    }),
  };
}
