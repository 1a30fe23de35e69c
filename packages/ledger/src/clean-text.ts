import { createHash } from "node:crypto";

/** Longest text of a ledger's column. */
export const longestText = 255;

/**
 * The text fit for any database: well-formed, without NUL, not too long. What is cut ends with a hash of the whole, so that two
 * tenants never become one.
 */
export function cleanText(text: string): string {
  const clean = isPlain(text) ? text : text.toWellFormed().replaceAll("\0", "\uFFFD");
  if (clean.length <= longestText) return clean;
  const hash = createHash("sha256").update(Buffer.from(text, "utf16le")).digest("hex").slice(0, 16);
  return `${clean.slice(0, longestText - 17).toWellFormed()}…${hash}`;
}

function isPlain(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}
