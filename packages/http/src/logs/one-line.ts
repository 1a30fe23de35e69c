import { Buffer } from "node:buffer";

/**
 * Escapes what JSON leaves as it is but a terminal obeys or a reader takes for the end of a line: C1 controls with U+0085, U+2028 and
 * U+2029, and what turns the direction of writing. In JSON these stand in texts alone, so that an escape means the same.
 */
export function inOneLine(line: string): string {
  // All of it takes more than one byte, and bytes are counted faster than characters are looked at.
  return Buffer.byteLength(line) === line.length ? line : line.replaceAll(unsafe, escape);
}

// Halves of surrogate pairs, too, which have no UTF-8.
const unsafe = /[\u0080-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\p{Cs}]/gu;

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
