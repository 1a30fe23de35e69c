import { createCuts } from "./cuts.ts";
import type { EventScanner } from "./event-scanner.ts";
import { createLineBuffer, noBytes } from "./line-buffer.ts";

/** Reads a stream of lines: server-sent events, or JSON line by line. */
export interface EventLines {
  /** Bytes in any pieces. Returns what is to be passed on: the same object, unless something is hidden. */
  readPiece(bytes: Uint8Array): Uint8Array | undefined;
  /** The end. Returns what was held back. */
  readEnd(): Uint8Array | undefined;
  unreadable(): string | undefined;
}

export interface EventLinesOptions {
  readonly scanner: EventScanner;
  /** An event on one line, scanned. True: it is to be hidden. */
  readonly onEvent: (bytes: Uint8Array, from: number, to: number) => boolean;
  /** An event that came in several lines. False: it could not be read. */
  readonly onText: (text: string) => boolean;
  /** The next event's name is `error`. */
  readonly onError: () => void;
  /** Whether events and null fields that tell usage are taken out. Then an unfinished line is held back. */
  readonly hides: boolean;
}

/** What is held back from the caller, or put together of several lines, is passed over beyond this. */
export const mostHeldBytes: number = 1024 * 1024;

/** A line beyond this is passed over. Pictures and whole answers stand in one line with their usage, and take megabytes. */
export const mostLineBytes: number = 32 * 1024 * 1024;

export function createEventLines({ scanner, onEvent, onText, onError, hides }: EventLinesOptions): EventLines {
  const unfinished = createLineBuffer();
  const mostUnfinished = hides ? mostHeldBytes : mostLineBytes;
  let isFirst = true;
  let lineBreak = newline;
  let skipsLine = false;
  let unreadable: string | undefined;
  // Of the event that is being read.
  let headFrom = -1;
  let parts: string | undefined;
  let hidesBlank = false;
  const cuts = createCuts();

  /** Reads whole lines. What they hold must end with a line break, but at the end of the stream. */
  function readLines(bytes: Uint8Array, from: number, limit: number): void {
    let index = from;
    if (isFirst) {
      isFirst = false;
      if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) index = 3;
    }
    headFrom = -1;
    while (index < limit) {
      const start = index;
      const first = bytes[index];
      if (first === newline || (first === carriageReturn && bytes[index + 1] === newline)) {
        index += first === newline ? 1 : 2;
        endEvent(start, index);
      } else if (isData(bytes, index)) {
        const payload = bytes[index + 5] === space ? index + 6 : index + 5;
        index = readData(bytes, start, payload, limit);
      } else if (first === openBrace || parts !== undefined) {
        index = readData(bytes, start, index, limit);
      } else {
        index = readHead(bytes, index, limit);
      }
    }
  }

  function readData(bytes: Uint8Array, start: number, from: number, limit: number): number {
    const end = scanner.scan(bytes, from, limit);
    const next = Math.min(end + 1, limit);
    if (parts !== undefined || !scanner.isWhole) {
      const line = textOf(bytes, from, end);
      if (parts !== undefined && parts.length + line.length > mostHeldBytes) {
        unreadable ??= "an event of more than a megabyte";
        parts = "";
      } else {
        parts = parts === undefined ? line : `${parts}\n${line}`;
      }
      return next;
    }
    const isHidden = onEvent(bytes, from, end);
    if (!hides) return next;
    if (isHidden) {
      cuts.add(headFrom < 0 ? start : headFrom, next);
      hidesBlank = true;
    } else if (scanner.nullFrom >= 0) {
      cuts.addField(bytes, scanner.nullFrom, scanner.nullTo);
    }
    headFrom = -1;
    return next;
  }

  /** A line with an event's name or id, or a comment. */
  function readHead(bytes: Uint8Array, from: number, limit: number): number {
    let end = from;
    while (end < limit && bytes[end] !== newline) end += 1;
    if (bytes[from] !== colon && headFrom < 0) headFrom = from;
    if (bytes[from] === letterE && end - from < 16 && /^event: ?error\r?$/.test(textOf(bytes, from, end))) onError();
    return Math.min(end + 1, limit);
  }

  function endEvent(from: number, to: number): void {
    if (hidesBlank) cuts.add(from, to);
    hidesBlank = false;
    headFrom = -1;
    if (parts !== undefined) {
      if (!onText(parts)) unreadable ??= "an event that is not JSON";
      parts = undefined;
    }
  }

  function readPiece(bytes: Uint8Array): Uint8Array | undefined {
    let limit = afterLastBreak(bytes);
    if (limit === 0 && isFirst && hasLoneReturn(bytes)) {
      lineBreak = carriageReturn;
      limit = afterLastBreak(bytes);
    }
    if (limit === 0) return readUnfinished(bytes);
    const from = skipsLine ? bytes.indexOf(lineBreak) + 1 : 0;
    skipsLine = false;
    if (unfinished.length() === 0) return readWholeLines(bytes, from, limit);
    limit += unfinished.length();
    const passed = readWholeLines(unfinished.take(bytes, bytes.length), from, limit);
    return hides ? passed : bytes;
  }

  /** Bytes without a line break. */
  function readUnfinished(bytes: Uint8Array): Uint8Array | undefined {
    if (skipsLine) return bytes;
    if (unfinished.length() + bytes.length <= mostUnfinished) {
      unfinished.keep(bytes, 0, bytes.length);
      return hides ? undefined : bytes;
    }
    const whole = unfinished.take(bytes, bytes.length);
    skipLine();
    return hides ? whole : bytes;
  }

  /** Reads what lies before `limit`, keeps what lies behind, and returns what is passed on. */
  function readWholeLines(bytes: Uint8Array, from: number, limit: number): Uint8Array | undefined {
    cuts.clear();
    readLines(lineBreak === newline ? bytes : withLineFeeds(bytes), from, limit);
    // An event's name waits for its data: without them it says nothing.
    let to = hides && headFrom >= 0 && limit - headFrom <= mostHeadBytes ? headFrom : limit;
    if (bytes.length - to > mostUnfinished) {
      to = bytes.length;
      skipLine();
    }
    if (to < bytes.length) unfinished.keep(bytes, to, bytes.length);
    return hides ? cuts.applyTo(bytes, to) : bytes;
  }

  function skipLine(): void {
    skipsLine = true;
    unreadable ??= `a line of more than ${hides ? "a megabyte" : "32 megabytes"}`;
  }

  function afterLastBreak(bytes: Uint8Array): number {
    return bytes[bytes.length - 1] === lineBreak ? bytes.length : bytes.lastIndexOf(lineBreak) + 1;
  }

  return {
    readPiece,
    readEnd() {
      const rest = unfinished.take(noBytes, 0);
      cuts.clear();
      readLines(lineBreak === newline ? rest : withLineFeeds(rest), 0, rest.length);
      endEvent(rest.length, rest.length);
      return hides ? cuts.applyTo(rest, rest.length) : undefined;
    },
    unreadable: () => unreadable,
  };
}

/** An event's name and id are short. More than this is not read again with each piece that comes. */
const mostHeadBytes = 1024;

const newline = 10;
const carriageReturn = 13;
const space = 32;
const colon = 58;
const letterE = 101;
const openBrace = 123;

function isData(bytes: Uint8Array, from: number): boolean {
  return (
    bytes[from] === 100 &&
    bytes[from + 1] === 97 &&
    bytes[from + 2] === 116 &&
    bytes[from + 3] === 97 &&
    bytes[from + 4] === colon
  );
}

/** Server-sent events may end their lines so, though hardly anybody does. No JSON has a bare one in it. */
function hasLoneReturn(bytes: Uint8Array): boolean {
  const index = bytes.indexOf(carriageReturn);
  return index >= 0 && index < bytes.length - 1;
}

function withLineFeeds(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => (byte === carriageReturn ? newline : byte));
}

/** Names and numbers are ASCII, and so is JSON's grammar: nothing else is taken from it. */
export function textOf(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");
}
