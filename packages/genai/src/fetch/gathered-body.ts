import { layOver } from "./own-property.ts";
import { passThrough } from "./pass-through.ts";

/**
 * Gathers the body of a request object as `fetch` sends it: its bytes are nobody's to read before. The function tells them; undefined when they are too
 * many, or were not seen.
 */
export function gatherBody(request: Request): () => Uint8Array | undefined {
  const { body } = request;
  if (body === null || body.locked) return () => undefined;
  let pieces: Uint8Array[] | undefined = [];
  let length = 0;
  const { pipeThrough, getReader } = body;
  // `fetch` takes the body of a request by this.
  layOver(body, "pipeThrough", (...given: Parameters<typeof pipeThrough>) => {
    delete (body as { pipeThrough?: unknown }).pipeThrough;
    const between = passThrough(body, getReader as never, {
      asked() {},
      piece(bytes) {
        length += (bytes as Uint8Array).byteLength;
        if (length > longestGathered) pieces = undefined;
        else pieces?.push((bytes as Uint8Array).slice());
        return bytes as Uint8Array;
      },
      end: () => undefined,
      fail() {},
      cancel() {},
    });
    return Reflect.apply(pipeThrough, between, given) as unknown;
  });
  return () => (pieces === undefined || length === 0 ? undefined : Buffer.concat(pieces));
}

/** Bytes. Whoever sends more sends it otherwise. */
const longestGathered = 4 * 1024 * 1024;
