import { createHash, randomBytes } from "node:crypto";
import { longestText } from "./clean-text.ts";

/**
 * The id as the ledger keeps it: a UUID in lower case; any other text as it is; and what is too long or not fit for a
 * database by its SHA-256, so that two ids never become one.
 */
export function canonicalId(id: string): string {
  if (uuid.test(id)) return id.toLowerCase();
  if (id.length <= longestText && id.isWellFormed() && !id.includes("\0")) return id;
  return `sha256:${createHash("sha256").update(Buffer.from(id, "utf16le")).digest("hex")}`;
}

/**
 * The time inside a UUIDv7 (RFC 9562, section 5.7), in Unix milliseconds: 0 for any other id, and where the time is outside the
 * years 2000 to 2099, which no clock shows.
 */
export function capturedAtOf(canonical: string): number {
  if (!uuid.test(canonical) || canonical[14] !== "7") return 0;
  const time = Number.parseInt(canonical.slice(0, 8) + canonical.slice(9, 13), 16);
  return time >= earliest && time < latest ? time : 0;
}

/** A new UUIDv7 of that time; its random bits may be given, so that the same event always gets the same id. */
export function eventIdAt(milliseconds: number, random: Uint8Array = randomBytes(10)): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(Math.max(0, Math.trunc(milliseconds)), 0, 6);
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The years that times of the ledger may lie in: what is outside is a broken clock or another unit. */
export const earliest: number = Date.UTC(2000, 0, 1);
export const latest: number = Date.UTC(2100, 0, 1);

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
