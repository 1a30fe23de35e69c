import { routeOf } from "../../src/wire/routes.ts";
import type { AnswerReader, CallRoute, RequestFacts } from "../../src/wire/wire-format.ts";

/** The route and the facts of a request that is surely a model call. */
export function createRequestReader(address: string, body: unknown): { route: CallRoute; facts: RequestFacts } {
  const route = routeOf(new URL(address), "POST");
  if (route === undefined) throw new Error(`no route for ${address}`);
  const facts = route.format.readRequest(body, route);
  if (facts === null) throw new Error(`no model call: ${address}`);
  return { route, facts };
}

/** Reads a stream to its end. What was passed on is joined as text. */
export function readStream(
  { format }: CallRoute,
  facts: RequestFacts,
  stream: string | readonly Uint8Array[],
): { reader: AnswerReader; passed: string } {
  const reader = format.createReader(facts);
  const pieces = typeof stream === "string" ? [Buffer.from(stream)] : stream;
  const passed: Uint8Array[] = [];
  for (const piece of pieces) {
    const before = Buffer.from(piece);
    const left = reader.readPiece(piece);
    if (!before.equals(piece)) throw new Error("the piece was changed");
    if (left !== undefined) passed.push(left);
  }
  const rest = reader.readEnd();
  if (rest !== undefined) passed.push(rest);
  return { reader, passed: Buffer.concat(passed).toString() };
}

/** The bytes in pieces, cut at these places (taken around where they are beyond the end). */
export function splitAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((one, other) => one - other);
  return [...cuts, bytes.length].map((end, index) => bytes.slice(index === 0 ? 0 : cuts[index - 1], end));
}
