import { isAbort } from "./run.ts";
import type { BranchWatcher, StreamEnd, StreamWatcher } from "./stream-watcher.ts";

/** What becomes of a stream that is read. One of the last three is called, once. */
export interface StreamReading<Branch> {
  /** Somebody begins to read: what is kept of that. */
  begin(): Branch;
  piece(branch: Branch, value: unknown): void;
  /** All was read. */
  ended(branch: Branch, end: StreamEnd): void;
  failed(error: unknown): void;
  /** Nobody reads any more, or nobody can: the reader went away, gave up, or was collected as garbage. */
  left(): void;
}

/** A watcher that tells the reading. What the reading throws is handed to `refuse`, and does not reach the application. */
export function createWatcher<Branch>(reading: StreamReading<Branch>, refuse: (error: unknown) => void): StreamWatcher {
  const teller = createTeller(reading, refuse);
  const watcher: StreamWatcher = { branch: () => createBranch(reading, teller, watcher) };
  abandoned.register(watcher, teller);
  return watcher;
}

/** What is held for a watcher must not lead back to it. */
const abandoned = new FinalizationRegistry<Teller>((teller) => teller.abandon());

interface Teller {
  /** How many are reading. */
  reading: number;
  isOver: boolean;
  refuse(error: unknown): void;
  /** Tells the ending, if it is the first. */
  end(work: () => void): void;
  abandon(): void;
}

function createTeller<Branch>(reading: StreamReading<Branch>, refuse: (error: unknown) => void): Teller {
  const teller: Teller = {
    reading: 0,
    isOver: false,
    refuse,
    end(work) {
      if (teller.isOver) return;
      teller.isOver = true;
      try {
        work();
      } catch (error) {
        refuse(error);
      }
    },
    abandon: () => teller.end(() => reading.left()),
  };
  return teller;
}

function createBranch<Branch>(
  reading: StreamReading<Branch>,
  teller: Teller,
  watcher: StreamWatcher,
): BranchWatcher & { readonly of: StreamWatcher } {
  const branch = reading.begin();
  let isReading = true;
  teller.reading++;
  const stop = (): boolean => {
    const wasReading = isReading;
    if (wasReading) teller.reading--;
    isReading = false;
    return wasReading;
  };
  return {
    // As long as somebody can read, the stream is not abandoned.
    of: watcher,
    piece(value) {
      if (teller.isOver) return;
      try {
        reading.piece(branch, value);
      } catch (error) {
        teller.refuse(error);
      }
    },
    ended(end = {}) {
      if (stop()) teller.end(() => reading.ended(branch, end));
    },
    failed(error) {
      if (stop()) teller.end(() => (isAbort(error) ? reading.left() : reading.failed(error)));
    },
    left() {
      if (stop() && teller.reading === 0) teller.end(() => reading.left());
    },
  };
}
