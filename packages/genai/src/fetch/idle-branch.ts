import type { AnswerReader } from "../wire/wire-format.ts";
import type { ModelCall } from "./model-call.ts";

/** Notes when the caller asks for bytes and gets them. */
export interface Idleness {
  asked(): void;
  answered(at: number): void;
}

/**
 * Ends the call of a caller that asks for nothing more after the provider has told its final figures: many stop at the provider's last word, and leave
 * the stream as it is.
 */
export function watchIdleness(call: ModelCall, reader: AnswerReader): Idleness {
  let waiting = 0;
  let lastPiece = 0;
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    timer = undefined;
    // Asked again at the next piece.
    if (waiting > 0 || !call.isOpen()) return;
    if (performance.now() - lastPiece < idleMillis) return wait();
    if (isTold(reader)) call.complete(reader, lastPiece);
  }

  function wait(): void {
    timer = setTimeout(look, idleMillis).unref();
  }

  return {
    asked() {
      waiting += 1;
    },
    answered(at) {
      waiting -= 1;
      lastPiece = at;
      if (timer === undefined) wait();
    },
  };
}

const idleMillis = 1000;

function isTold(reader: AnswerReader): boolean {
  try {
    return reader.ending(true).usageSource === "provider";
  } catch {
    return false;
  }
}
