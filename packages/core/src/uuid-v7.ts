/**
 * A UUID of version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then random bits. Ids made later sort later, which
 * keeps a ledger's index short.
 */
export function uuidV7(milliseconds: number): string {
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  const random = pool.subarray(used, used + bytesPerId);
  used += bytesPerId;

  const time = Math.max(0, Math.trunc(milliseconds)).toString(16).padStart(12, "0").slice(-12);
  const version = hex[0x70 | (random[0]! & 0x0f)]! + hex[random[1]!]!;
  const variant = hex[0x80 | (random[2]! & 0x3f)]! + hex[random[3]!]!;
  let rest = "";
  for (let index = 4; index < bytesPerId; index++) rest += hex[random[index]!]!;
  return `${time.slice(0, 8)}-${time.slice(8)}-${version}-${variant}-${rest}`;
}

const bytesPerId = 10;
/** Random bytes for many ids at a time: one call to the system costs more than an id. */
const pool = new Uint8Array(bytesPerId * 256);
let used = pool.length;
const hex: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
