import { type ByteWriter, copyBytes, reserve } from "./byte-writer.ts";

/** Writes an unsigned whole number up to 2^53. There has to be room for ten bytes. */
export function writeVarint(writer: ByteWriter, value: number): void {
  const { bytes } = writer;
  let rest = value;
  while (rest > 127) {
    bytes[writer.at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  bytes[writer.at++] = rest;
}

export function writeVarintField(writer: ByteWriter, field: number, value: number): void {
  reserve(writer, 16);
  writeVarint(writer, varintTag(field));
  writeVarint(writer, value);
}

export function writeSignedField(writer: ByteWriter, field: number, value: number): void {
  reserve(writer, 16);
  writeVarint(writer, varintTag(field));
  writeSigned(writer, value);
}

export function writeDoubleField(writer: ByteWriter, field: number, value: number): void {
  reserve(writer, 16);
  writeVarint(writer, doubleTag(field));
  writer.at = writer.bytes.writeDoubleLE(value, writer.at);
}

export function writeTextField(writer: ByteWriter, field: number, text: string): void {
  const content = Buffer.from(text);
  reserve(writer, content.length + 16);
  writeVarint(writer, bytesTag(field));
  writeVarint(writer, content.length);
  copyBytes(writer, content, 0, content.length);
}

/**
 * Begins a message within a message, whose length comes first and is not known yet. All of it has to fit where the writer
 * is: room for so many bytes is made. Gives what `endMessage` needs.
 */
export function beginMessage(writer: ByteWriter, field: number, room: number): number {
  reserve(writer, room + 16);
  writeVarint(writer, bytesTag(field));
  // One byte for the length, which is enough for most.
  return ++writer.at;
}

export function endMessage(writer: ByteWriter, start: number): void {
  const length = writer.at - start;
  let size = 1;
  while (length >= 128 ** size) size++;
  if (size > 1) {
    writer.bytes.copyWithin(start + size - 1, start, writer.at);
  }
  writer.at = start - 1;
  writeVarint(writer, length);
  writer.at += length;
}

// A tag is the field's number and how its content is written.
function varintTag(field: number): number {
  return field << 3;
}

function doubleTag(field: number): number {
  return (field << 3) | 1;
}

function bytesTag(field: number): number {
  return (field << 3) | 2;
}

/** A `sint32` or `sint64`: zigzag, so that small negative numbers are short. */
function writeSigned(writer: ByteWriter, value: number): void {
  writeVarint(writer, value < 0 ? -2 * value - 1 : 2 * value);
}
