/** What is taken out of a piece: where each part begins and ends, in their order. */
export type Cuts = number[];

/** The bytes without the parts that were cut, up to `to`. The same object where nothing is taken; undefined where nothing is left. */
export function withoutCuts(bytes: Uint8Array, cuts: Cuts, to: number): Uint8Array | undefined {
  if (cuts.length === 0 && to === bytes.length) return to === 0 ? undefined : bytes;
  let length = to;
  for (let index = 0; index < cuts.length; index += 2) length -= (cuts[index + 1] ?? 0) - (cuts[index] ?? 0);
  if (length <= 0) return undefined;
  // Of its own size: some look at a chunk's whole buffer.
  const rest = new Uint8Array(length);
  let read = 0;
  let written = 0;
  for (let index = 0; index <= cuts.length; index += 2) {
    const end = cuts[index] ?? to;
    if (end > read) rest.set(bytes.subarray(read, end), written);
    written += Math.max(0, end - read);
    read = cuts[index + 1] ?? to;
  }
  return rest;
}

/** Where a field that is null is cut out of an object, with the comma that belongs to it. */
export function cutOfField(bytes: Uint8Array, from: number, to: number): readonly [from: number, to: number] {
  let before = from - 1;
  while (isSpace(bytes[before])) before -= 1;
  if (bytes[before] === comma) return [before, to];
  let after = to;
  while (isSpace(bytes[after])) after += 1;
  if (bytes[after] !== comma) return [from, to];
  after += 1;
  while (isSpace(bytes[after])) after += 1;
  return [from, after];
}

const comma = 44;

function isSpace(byte: number | undefined): boolean {
  return byte === 32 || byte === 9;
}
