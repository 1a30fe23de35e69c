import { crc32 } from "./crc32.ts";
import { mostHeldBytes, textOf, type EventLines, type EventLinesOptions } from "./event-lines.ts";
import { createLineBuffer } from "./line-buffer.ts";

/**
 * Reads the event stream of Amazon Web Services: frames of a length, headers, a payload and checksums (of the whole and of the lengths). Passes every
 * piece on as it came.
 */
export function createEventFrames({ scanner, onEvent, onText }: EventLinesOptions): EventLines {
  const unfinished = createLineBuffer();
  let skips = 0;
  let needed = preludeBytes;
  let isLost = false;
  let unreadable: string | undefined;

  function readFrames(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let index = 0;
    needed = preludeBytes;
    while (index + preludeBytes <= bytes.length) {
      const length = view.getUint32(index);
      const headersLength = view.getUint32(index + 4);
      const isSound =
        crc32(bytes, index, index + 8) === view.getUint32(index + 8) &&
        length >= preludeBytes + 4 &&
        headersLength <= length - preludeBytes - 4;
      if (!isSound) {
        // Without its lengths nobody knows where the next frame begins.
        isLost = true;
        unreadable ??= "a frame with a wrong checksum";
        return;
      }
      if (length > mostHeldBytes) {
        unreadable ??= "a frame of more than a megabyte";
        skips = Math.max(0, index + length - bytes.length);
        index += length;
        continue;
      }
      if (index + length > bytes.length) {
        needed = length;
        break;
      }
      readFrame(bytes, index + preludeBytes, index + preludeBytes + headersLength, index + length - 4, view);
      index += length;
    }
    if (index < bytes.length) unfinished.keep(bytes, index, bytes.length);
  }

  function readFrame(
    bytes: Uint8Array,
    headersFrom: number,
    payloadFrom: number,
    payloadTo: number,
    view: DataView,
  ): void {
    const headers = headersOf(bytes, headersFrom, payloadFrom);
    const type = headers.get(":event-type");
    if (type === undefined) {
      const failure = headers.get(":exception-type") ?? headers.get(":error-code");
      if (failure !== undefined) onText(JSON.stringify({ type: "error", error: { type: failure } }));
    } else if (type === "chunk") {
      readChunk(bytes, payloadFrom, payloadTo);
    } else if (type === "metadata") {
      const isSound = crc32(bytes, headersFrom - preludeBytes, payloadTo) === view.getUint32(payloadTo);
      if (!isSound || !onText(`{"metadata":${textOf(bytes, payloadFrom, payloadTo)}}`)) {
        unreadable ??= isSound ? "an event that is not JSON" : "a frame with a wrong checksum";
      }
    } else {
      readJson(bytes, payloadFrom, payloadTo);
    }
  }

  /** An event in the model's own language, as base64. */
  function readChunk(bytes: Uint8Array, from: number, to: number): void {
    const [, base64] = /"bytes" ?: ?"([^"]*)"/.exec(textOf(bytes, from, to)) ?? [];
    if (base64 === undefined) return;
    const event = Buffer.from(base64, "base64");
    readJson(event, 0, event.length);
  }

  function readJson(bytes: Uint8Array, from: number, to: number): void {
    const end = scanner.scan(bytes, from, to);
    if (end === to && scanner.isWhole) onEvent(bytes, from, to);
    else if (!onText(textOf(bytes, from, to))) unreadable ??= "an event that is not JSON";
  }

  return {
    readPiece(bytes) {
      if (isLost) return bytes;
      let fresh = bytes;
      if (skips > 0) {
        const skipped = Math.min(skips, bytes.length);
        skips -= skipped;
        fresh = bytes.subarray(skipped);
      }
      // A frame that comes byte by byte is not put together before it can be whole.
      if (unfinished.length() + fresh.length < needed) unfinished.keep(fresh, 0, fresh.length);
      else readFrames(unfinished.length() === 0 ? fresh : unfinished.take(fresh, fresh.length));
      return bytes;
    },
    readEnd() {
      if (unfinished.length() > 0) unreadable ??= "a frame that was cut";
      return undefined;
    },
    unreadable: () => unreadable,
  };
}

/** Lengths of the frame and of its headers, and their checksum. */
const preludeBytes = 12;

const textHeader = 7;

/** The headers that are texts; those of Bedrock all are. */
function headersOf(bytes: Uint8Array, from: number, to: number): Map<string, string> {
  const headers = new Map<string, string>();
  for (let index = from; index < to;) {
    const nameTo = index + 1 + (bytes[index] ?? 0);
    if (bytes[nameTo] !== textHeader) break;
    const length = (bytes[nameTo + 1] ?? 0) * 256 + (bytes[nameTo + 2] ?? 0);
    const valueTo = nameTo + 3 + length;
    if (valueTo > to) break;
    headers.set(textOf(bytes, index + 1, nameTo), textOf(bytes, nameTo + 3, valueTo));
    index = valueTo;
  }
  return headers;
}
