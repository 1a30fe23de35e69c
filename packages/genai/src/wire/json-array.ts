import { createEventLines, mostLineBytes, textOf, type EventLines, type EventLinesOptions } from "./event-lines.ts";
import { createLineBuffer } from "./line-buffer.ts";

/** Reads what Gemini streams: server-sent events, or one JSON array, member by member, when it was not asked for those. */
export function createEventsOrArray(options: EventLinesOptions): EventLines {
  let chosen: EventLines | undefined;
  const choose = (bytes: Uint8Array): EventLines | undefined => {
    const first = bytes.find((byte) => byte > space);
    if (first === undefined) return undefined;
    return (chosen = first === openBracket ? createJsonArray(options) : createEventLines(options));
  };
  return {
    readPiece: (bytes) => (chosen ?? choose(bytes))?.readPiece(bytes) ?? bytes,
    readEnd: () => chosen?.readEnd(),
    unreadable: () => chosen?.unreadable(),
  };
}

/** Reads the objects of one JSON array. Passes every piece on as it came. */
function createJsonArray({ scanner, onEvent, onText }: EventLinesOptions): EventLines {
  const unfinished = createLineBuffer();
  let depth = 0;
  let isInString = false;
  let isEscaped = false;
  let skipsMember = false;
  let unreadable: string | undefined;

  function readMember(member: Uint8Array): void {
    // The scanner ends at a line break; between JSON's tokens a space is the same.
    for (let at = member.indexOf(newline); at >= 0; at = member.indexOf(newline, at)) member[at] = space;
    const end = scanner.scan(member, 0, member.length);
    if (end === member.length && scanner.isWhole) onEvent(member, 0, end);
    else if (!onText(textOf(member, 0, member.length))) unreadable ??= "an event that is not JSON";
  }

  function keep(bytes: Uint8Array, from: number, to: number): void {
    if (skipsMember) return;
    if (unfinished.length() + to - from > mostLineBytes) {
      unfinished.take(bytes, 0);
      skipsMember = true;
      unreadable ??= "an event of more than 32 megabytes";
    } else {
      unfinished.keep(bytes, from, to);
    }
  }

  return {
    readPiece(bytes) {
      let from = depth > 1 ? 0 : -1;
      for (let index = 0; index < bytes.length; index += 1) {
        const byte = bytes[index];
        if (isInString) {
          if (isEscaped) isEscaped = false;
          else if (byte === backslash) isEscaped = true;
          else if (byte === quote) isInString = false;
        } else if (byte === quote) {
          isInString = true;
        } else if (byte === openBrace || byte === openBracket) {
          if (depth === 1) from = index;
          depth += 1;
        } else if (byte === closeBrace || byte === closeBracket) {
          depth -= 1;
          if (depth !== 1 || from < 0) continue;
          keep(bytes, from, index + 1);
          if (!skipsMember) readMember(unfinished.take(bytes, 0));
          skipsMember = false;
          from = -1;
        }
      }
      if (from >= 0) keep(bytes, from, bytes.length);
      return bytes;
    },
    readEnd() {
      if (depth !== 0) unreadable ??= "an answer that was cut";
      return undefined;
    },
    unreadable: () => unreadable,
  };
}

const newline = 10;
const space = 32;
const quote = 34;
const openBracket = 91;
const backslash = 92;
const closeBracket = 93;
const openBrace = 123;
const closeBrace = 125;
