import type { AnswerReader } from "../wire/wire-format.ts";
import { watchIdleness } from "./idle-branch.ts";
import type { ModelCall } from "./model-call.ts";

/**
 * One way on which an answer is read: its stream, or one of two after `clone()`. Everything through which the caller can read on refers to it, and
 * nothing else does: when it is collected, nobody reads on.
 */
export interface AnswerBranch {
  /** Bytes are taken out, so that they cannot be handed on as they come. */
  readonly hides: boolean;
  /** The caller asks for bytes: `piece`, `end` or `fail` follows. */
  asked(): void;
  /** Bytes that have come. Returns what the caller gets of them. */
  piece(bytes: unknown): Uint8Array | undefined;
  /** It is at its end. Returns what the caller still gets. */
  end(): Uint8Array | undefined;
  /** The whole answer, parsed by the client itself. */
  whole(answer: unknown): void;
  /** From now on it is read as a whole: its pieces need not be looked at. */
  readsWhole(): void;
  isReadWhole(): boolean;
  fail(error: unknown): void;
  cancel(): void;
  /** Another way on which the same answer is read. Before anything has come. */
  fork(): AnswerBranch;
}

/** What an answer's bytes are read by: as they come, or gathered. */
export interface PieceReader {
  readonly reader: AnswerReader;
  piece(bytes: Uint8Array): Uint8Array | undefined;
  end(): Uint8Array | undefined;
}

export function openBranch(call: ModelCall, createReader: () => PieceReader, hides: boolean): AnswerBranch {
  return branchOf({ call, createReader, hides, readers: new Set(), chunks: 0 });
}

interface Shared {
  readonly call: ModelCall;
  createReader(): PieceReader;
  readonly hides: boolean;
  /** Of the ways on which somebody may still read. */
  readonly readers: Set<AnswerReader>;
  /** Chunks with content, on the way that is furthest. */
  chunks: number;
}

function branchOf(shared: Shared): AnswerBranch {
  const { call, readers } = shared;
  const pieces = shared.createReader();
  const { reader } = pieces;
  const idleness = watchIdleness(call, reader);
  let isWhole = false;
  readers.add(reader);
  if (readers.size === 1) call.answered(reader);

  const branch: AnswerBranch = {
    hides: shared.hides,
    asked: idleness.asked,
    piece(bytes) {
      const at = performance.now();
      idleness.answered(at);
      if (isWhole || !(bytes instanceof Uint8Array)) return bytes as Uint8Array;
      const left = safely(() => pieces.piece(bytes), bytes);
      const fresh = reader.contentChunks() - shared.chunks;
      if (fresh > 0) {
        shared.chunks += fresh;
        call.chunks(reader, fresh, at);
      }
      if (reader.isOver()) call.complete(reader);
      return left;
    },
    end() {
      if (isWhole) return undefined;
      const left = safely(() => pieces.end(), undefined);
      call.complete(reader);
      return left;
    },
    whole(answer) {
      safely(() => reader.readWhole(answer), undefined);
      call.complete(reader);
    },
    readsWhole() {
      isWhole = true;
    },
    isReadWhole: () => isWhole,
    fail: (error) => call.breakOff(error, reader),
    cancel: () => giveUp(shared, reader),
    fork: () => branchOf(shared),
  };
  collected.register(branch, () => giveUp(shared, reader));
  return branch;
}

/** Whatever becomes of our reading, the caller gets its bytes. */
function safely<Result>(work: () => Result, otherwise: Result): Result {
  try {
    return work();
  } catch {
    return otherwise;
  }
}

/** The call is given up when the last of those who read has. */
function giveUp({ call, readers }: Shared, reader: AnswerReader): void {
  readers.delete(reader);
  if (readers.size === 0) call.cancel(reader);
}

const collected = new FinalizationRegistry((given: () => void) => given());
