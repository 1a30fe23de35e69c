/**
 * Compresses pieces on another thread, with the fastest level: label texts repeat so much that a higher one saves little. Rejects
 * when memory is short.
 */
export async function gzip(pieces: readonly Buffer[]): Promise<readonly Buffer[]> {
  const { createGzip } = process.getBuiltinModule("node:zlib");
  const stream = createGzip({ level: 1, chunkSize: 65_536 });
  const compressed: Buffer[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    stream.on("data", (piece: Buffer) => compressed.push(piece));
    stream.once("end", resolve);
    stream.once("error", reject);
  });
  for (const piece of pieces) stream.write(piece);
  stream.end();
  await ended;
  return compressed;
}

/** Less is not worth the work: it goes into one packet. */
export const smallestGzip = 1024;
