import { randomUUID } from "node:crypto";

/** The header that brings a request's id and takes it back. */
export const requestIdHeader = "X-Request-ID";

/**
 * The id that a request came with, when it is one header of 1 to 128 letters, digits and `._:-`; else undefined. What could break a
 * header or a log line is no id, and several headers are joined by a comma.
 */
export function checkedRequestId(header: string | readonly string[] | null | undefined): string | undefined {
  const value = typeof header === "object" && header?.length === 1 ? header[0] : header;
  return typeof value === "string" && sane.test(value) ? value : undefined;
}

/** The client's id where it is sane, else a new one. */
export function requestIdFor(header: string | readonly string[] | null | undefined): string {
  return checkedRequestId(header) ?? randomUUID();
}

const sane = /^[A-Za-z0-9._:-]{1,128}$/;
