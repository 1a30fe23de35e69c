/**
 * Bytes that are written one after the other, in pieces: a large answer is never copied to make room for more.
 * The fields are open because the inner loops write into them.
 */
export interface ByteWriter {
  bytes: Buffer;
  /** Where the next byte goes in `bytes`. */
  at: number;
  /** Pieces that are finished, in order. */
  readonly pieces: Buffer[];
  /** The size of the last piece that was made. */
  pieceSize: number;
}

const smallestPiece = 4096;
const largestPiece = 262_144;

export function createByteWriter(): ByteWriter {
  return { bytes: Buffer.allocUnsafeSlow(smallestPiece), at: 0, pieces: [], pieceSize: smallestPiece };
}

/** Makes sure that so many bytes fit where the writer is, in one piece. */
export function reserve(writer: ByteWriter, size: number): void {
  if (writer.at + size <= writer.bytes.length) return;
  closePiece(writer);
  writer.pieceSize = Math.min(writer.pieceSize * 4, largestPiece);
  writer.bytes = Buffer.allocUnsafeSlow(Math.max(writer.pieceSize, size));
}

/** The pieces. The writer is done with. */
export function finish(writer: ByteWriter): Buffer[] {
  closePiece(writer);
  return writer.pieces;
}

export function sizeOf({ at, pieces }: ByteWriter): number {
  return pieces.reduce((size, piece) => size + piece.length, at);
}

/** Writes part of other bytes. There has to be room. */
export function copyBytes(writer: ByteWriter, source: Uint8Array, from: number, to: number): void {
  const { bytes, at } = writer;
  // Pointing at a part takes longer than to copy a few bytes one by one, and leaves garbage.
  if (to - from > fewBytes) bytes.set(from === 0 && to === source.length ? source : source.subarray(from, to), at);
  else for (let place = from; place < to; place++) bytes[at + place - from] = source[place]!;
  writer.at = at + to - from;
}

const fewBytes = 32;

/** The same bytes, not as a `Buffer`, of which a part takes three times as long to point at. */
export function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

export function writeText(writer: ByteWriter, text: string): void {
  // UTF-8 takes at most three bytes for a UTF-16 unit.
  reserve(writer, text.length * 3);
  writer.at += writer.bytes.write(text, writer.at);
}

/** Writes what another writer has; large pieces are taken over as they are. */
export function appendWriter(writer: ByteWriter, other: ByteWriter): void {
  for (const piece of finish(other)) {
    if (piece.length <= smallestPiece * 4) {
      reserve(writer, piece.length);
      copyBytes(writer, piece, 0, piece.length);
    } else {
      closePiece(writer);
      writer.pieces.push(piece);
    }
  }
}

/** Writes a whole number of any size or a short text of ASCII digits. There has to be room for 32 bytes. */
export function writeNumber(writer: ByteWriter, value: number, text: (value: number) => string): void {
  const small = value | 0;
  if (small === value && small >= 0) writeDigits(writer, small);
  else writeAscii(writer, text(value));
}

/** Writes ASCII text. There has to be room. */
export function writeAscii(writer: ByteWriter, ascii: string): void {
  const { bytes } = writer;
  let { at } = writer;
  for (let place = 0; place < ascii.length; place++) bytes[at++] = ascii.charCodeAt(place);
  writer.at = at;
}

function writeDigits(writer: ByteWriter, value: number): void {
  const { bytes } = writer;
  const end = writer.at + lengthOf(value);
  let rest = value;
  let at = end;
  do {
    const tenth = (rest / 10) | 0;
    bytes[--at] = 48 + rest - tenth * 10;
    rest = tenth;
  } while (rest > 0);
  writer.at = end;
}

function lengthOf(value: number): number {
  if (value < 10) return 1;
  if (value < 100) return 2;
  if (value < 1000) return 3;
  if (value < 10_000) return 4;
  if (value < 100_000) return 5;
  if (value < 1_000_000) return 6;
  if (value < 10_000_000) return 7;
  if (value < 100_000_000) return 8;
  return value < 1_000_000_000 ? 9 : 10;
}

function closePiece(writer: ByteWriter): void {
  if (writer.at > 0) writer.pieces.push(writer.bytes.subarray(0, writer.at));
  writer.bytes = writer.bytes.subarray(writer.at);
  writer.at = 0;
}
