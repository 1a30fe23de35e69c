import type { AnswerReader } from "../wire/wire-format.ts";
import type { PieceReader } from "./answer-branch.ts";

/** A stream of events: each piece is read as it comes. */
export function readAsItComes(reader: AnswerReader): PieceReader {
  return { reader, piece: (bytes) => reader.readPiece(bytes), end: () => reader.readEnd() };
}

/** One JSON answer that the caller takes by its bytes: gathered as text, as far as answers reach, and parsed at its end. */
export function gatherWhole(reader: AnswerReader): PieceReader {
  const decoder = new TextDecoder();
  let text: string | undefined = "";
  return {
    reader,
    piece(bytes) {
      if (text === undefined) return bytes;
      text =
        text.length + bytes.byteLength > longestGathered ? undefined : text + decoder.decode(bytes, { stream: true });
      return bytes;
    },
    end() {
      const whole = text;
      text = undefined;
      reader.readWhole(whole === undefined ? undefined : parse(whole + decoder.decode()));
      return undefined;
    },
  };
}

/** Sound, pictures: nothing in them to read. */
export function readNothing(reader: AnswerReader): PieceReader {
  return { reader, piece: (bytes) => bytes, end: () => undefined };
}

/** Characters. */
const longestGathered = 32 * 1024 * 1024;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
