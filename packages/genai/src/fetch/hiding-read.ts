import type { AnswerBranch } from "./answer-branch.ts";

/** `read` of a reader, or `next` of an iterator. */
export type Read = (this: never, ...given: unknown[]) => Promise<Step>;

export interface Step {
  readonly done: boolean;
  readonly value?: unknown;
}

/**
 * The same `read` without the bytes that the branch takes out: it reads on where nothing is left of a piece. A stream put in between would cost three
 * times as much.
 */
export function hidingRead(
  read: Read,
  branch: Pick<AnswerBranch, "asked" | "piece">,
  end: () => Uint8Array | undefined,
  fail: (error: unknown) => void,
): Read {
  let pending = 0;
  let last: Promise<Step> | undefined;

  function step(reader: never, given: unknown[]): Promise<Step> {
    branch.asked();
    return read.apply(reader, given).then(
      (result) => {
        const left = result.done ? end() : branch.piece(result.value);
        const isEmpty = left === undefined || left.byteLength === 0;
        if (isEmpty && !result.done) return step(reader, given);
        pending -= 1;
        return isEmpty || left === result.value ? result : { done: false, value: left };
      },
      (error: unknown) => {
        pending -= 1;
        fail(error);
        throw error;
      },
    );
  }

  return function (...given) {
    pending += 1;
    const begin = (): Promise<Step> => step(this, given);
    // Asked several times at once: what comes first belongs to who asked first.
    last = last === undefined || pending === 1 ? begin() : last.then(begin, begin);
    return last;
  };
}
