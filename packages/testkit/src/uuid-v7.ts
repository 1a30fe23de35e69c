import { randomUUID } from "node:crypto";

/** A UUID of version 7 (RFC 9562, section 5.7) of that moment in Unix milliseconds. */
export function uuidV7(milliseconds: number): string {
  const time = milliseconds.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/** The moment in a UUID of version 7, in Unix milliseconds; 0 for any other text. */
export function momentOf(id: string): number {
  const found = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.exec(id);
  return found === null ? 0 : Number.parseInt(`${found[1]}${found[2]}`, 16);
}
