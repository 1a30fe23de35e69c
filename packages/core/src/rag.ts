import { catalogueMeter } from "./catalogue.ts";
import type { CoreState } from "./core-state.ts";
import { createFamily } from "./family.ts";
import { guarded } from "./guard.ts";
import { readFields } from "./reading.ts";
import { measureRun, noRun, startRun, type Run } from "./run.ts";
import type { RunStatus } from "./vocabulary.ts";

/** A retrieval that has ended. */
export interface Retrieval {
  readonly index: string;
  readonly status: RunStatus;
  /** Seconds. */
  readonly duration: number;
  /** How many documents were found. */
  readonly documents?: number | undefined;
}

export interface RagRecorder {
  /** Runs `work`, a retrieval from the index. A list it returns gives the number of documents. */
  measure<Result>(index: string, work: () => Result): Promise<Awaited<Result>>;
  /** Starts a retrieval. */
  start(index: string): RetrievalRun;
  /** Records a retrieval that was timed elsewhere. */
  record(retrieval: Retrieval): void;
}

/** A retrieval in progress. */
export interface RetrievalRun extends Run {
  /** What was found: a list gives the number of documents. */
  resulted(found: unknown): void;
}

export function createRagRecorder(state: CoreState): RagRecorder {
  const retrievals = createFamily(state, {
    members: {
      count: { meter: catalogueMeter("rag.retrievals") },
      seconds: { meter: catalogueMeter("rag.retrieval.duration") },
      documents: { meter: catalogueMeter("rag.retrieval.documents") },
    },
  });

  const record = guarded(state, "rag.retrievals", undefined, (retrieval: Retrieval): undefined => {
    const { index, status, duration, documents } = readFields(state, "rag.retrievals", retrieval, (fields) => ({
      index: fields.index,
      status: fields.status,
      duration: fields.duration,
      documents: fields.documents,
    }));
    const { cells } = retrievals.series([index, status]);
    cells.count(1);
    cells.seconds(duration);
    if (documents !== undefined) cells.documents(documents);
  });

  const start = guarded(state, "rag.retrievals", noRetrieval, (index: string): RetrievalRun => {
    let documents: number | undefined;
    const run = startRun(state, "rag.retrievals", ({ status, seconds }) =>
      record({ index, status, duration: seconds, documents }),
    );
    return {
      ...run,
      resulted(found) {
        if (Array.isArray(found)) documents = found.length;
      },
    };
  });

  return {
    record,
    start,
    measure: (index, work) =>
      measureRun(start(index), async (run) => {
        const found = await work();
        run.resulted(found);
        return found;
      }),
  };
}

const noRetrieval: RetrievalRun = { ...noRun, resulted() {} };
