import type { HrTime } from "@opentelemetry/api";

/** Writes protobuf's wire format (protobuf.dev, "Encoding") into one growing buffer. */
export interface ByteWriter {
  /** What was written is `bytes.subarray(0, length)`; another buffer after each growth. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly length: number;
  /** Forgets what was written from here on. */
  truncate(length: number): void;
  /** Tag and value of one field. */
  fixed64(tag: number, low: number, high: number): void;
  double(tag: number, value: number): void;
  varint(tag: number, value: number): void;
  text(tag: number, text: string): void;
  raw(tag: number, bytes: Uint8Array): void;
  /** A field whose value `write` writes: its length goes before it. Returns where the value begins. */
  message(tag: number, write: () => void): number;
  /** Values of a fixed width without tags, such as those of a packed field. */
  packedCounts(tag: number, counts: readonly number[]): void;
  packedDoubles(tag: number, values: readonly number[]): void;
  packedVarints(tag: number, values: readonly number[]): void;
}

export function createByteWriter(capacity = 1024): ByteWriter {
  let bytes = new Uint8Array(capacity);
  let view = new DataView(bytes.buffer);
  let length = 0;

  function reserve(size: number): void {
    if (length + size <= bytes.length) return;
    const larger = new Uint8Array(Math.max(length + size, bytes.length + (bytes.length >> 1)));
    larger.set(bytes.subarray(0, length));
    bytes = larger;
    view = new DataView(bytes.buffer);
  }

  function bare(value: number): void {
    reserve(10);
    // Where 32 bits suffice, which is nearly always, bit operations do.
    if (value >= 0 && value <= 0xffffffff) {
      let rest = value;
      for (; rest > 0x7f; rest >>>= 7) bytes[length++] = (rest & 0x7f) | 0x80;
      bytes[length++] = rest;
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) bytes[length++] = Number(rest & 0x7fn) | 0x80;
    bytes[length++] = Number(rest);
  }

  function message(tag: number, write: () => void): number {
    bare(tag);
    reserve(1);
    const at = length++;
    write();
    const size = length - at - 1;
    const width = varintWidth(size);
    if (width > 1) {
      reserve(width - 1);
      bytes.copyWithin(at + width, at + 1, length);
    }
    const end = length + width - 1;
    length = at;
    bare(size);
    length = end;
    return at + width;
  }

  return {
    get bytes() {
      return bytes;
    },
    get view() {
      return view;
    },
    get length() {
      return length;
    },
    truncate(to) {
      length = to;
    },
    fixed64(tag, low, high) {
      bare(tag);
      reserve(8);
      view.setUint32(length, low, true);
      view.setUint32(length + 4, high, true);
      length += 8;
    },
    double(tag, value) {
      bare(tag);
      reserve(8);
      view.setFloat64(length, value, true);
      length += 8;
    },
    varint(tag, value) {
      bare(tag);
      bare(value);
    },
    text(tag, text) {
      bare(tag);
      const size = Buffer.byteLength(text);
      bare(size);
      reserve(size);
      length += encoder.encodeInto(text, bytes.subarray(length)).written;
    },
    raw(tag, given) {
      bare(tag);
      bare(given.length);
      reserve(given.length);
      bytes.set(given, length);
      length += given.length;
    },
    message,
    packedCounts(tag, counts) {
      bare(tag);
      bare(counts.length * 8);
      reserve(counts.length * 8);
      for (const count of counts) {
        setCount(view, length, count);
        length += 8;
      }
    },
    packedDoubles(tag, values) {
      bare(tag);
      bare(values.length * 8);
      reserve(values.length * 8);
      for (const value of values) {
        view.setFloat64(length, value, true);
        length += 8;
      }
    },
    packedVarints(tag, values) {
      message(tag, () => {
        for (const value of values) bare(value);
      });
    },
  };
}

/** How many bytes a length takes as a varint. */
export function varintWidth(value: number): number {
  let width = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) width++;
  return width;
}

/** Writes a whole number of at least 0 as 64 bits. */
export function setCount(view: DataView, at: number, count: number): void {
  view.setUint32(at, count, true);
  view.setUint32(at + 4, count > 0xffffffff ? count / 4294967296 : 0, true);
}

/** Writes a whole number of either sign as 64 bits. */
export function setInteger(view: DataView, at: number, value: number): void {
  if (value >= 0) setCount(view, at, value);
  else view.setBigInt64(at, BigInt(Math.trunc(value)), true);
}

/**
 * Writes a time as 64 bits of nanoseconds since 1970. They are more than a double holds, so the seconds are multiplied in two parts; a
 * BigInt at each point costs ten times that.
 */
export function setTime(view: DataView, at: number, [seconds, nanoseconds]: HrTime): void {
  const upper = Math.floor(seconds / 65536) * 1e9;
  const lower = (seconds % 65536) * 1e9 + nanoseconds + (upper % 65536) * 65536;
  view.setUint32(at, lower % 4294967296, true);
  view.setUint32(at + 4, Math.floor(upper / 65536) + Math.floor(lower / 4294967296), true);
}

const encoder = new TextEncoder();
