import { createHash } from "node:crypto";
import { queryError } from "./query-error.ts";

export interface CursorPosition {
  readonly occurredAt: number;
  readonly eventId: string;
}

/**
 * A place in a tenant's rows, as base64url text. It carries a checksum of itself and of what was asked for, so that a changed
 * cursor, or another tenant's, is told apart before any database sees it. That is a check, no secret: the tenant to read from
 * is always the query's own.
 */
export function cursorOf(position: CursorPosition, question: unknown): string {
  const { occurredAt, eventId } = position;
  return Buffer.from(JSON.stringify([occurredAt, eventId, checksum(occurredAt, eventId, question)])).toString(
    "base64url",
  );
}

/** @throws RangeError for what `cursorOf` did not make for the same question. */
export function positionOf(query: string, cursor: string, question: unknown): CursorPosition {
  const [occurredAt, eventId, sum] = contents(cursor);
  if (
    typeof occurredAt === "number" &&
    typeof eventId === "string" &&
    sum === checksum(occurredAt, eventId, question)
  ) {
    return { occurredAt, eventId };
  }
  throw queryError(
    `${query}: cursor is none that this query gave: it may be cut, changed, or of another tenant or filter. ` +
      "Begin again without a cursor",
  );
}

function contents(cursor: string): readonly unknown[] {
  // An event id of 255 characters, each six in JSON.
  if (cursor.length > 3000 || !/^[\w-]+$/.test(cursor)) return [];
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}

function checksum(occurredAt: number, eventId: string, question: unknown): string {
  const text = JSON.stringify([occurredAt, eventId, question]);
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}
