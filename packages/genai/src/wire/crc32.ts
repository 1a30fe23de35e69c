/** The checksum of the bytes, as zlib has it. */
export function crc32(bytes: Uint8Array, from: number, to: number): number {
  table ??= createTable();
  let sum = 0xffffffff;
  for (let index = from; index < to; index += 1) {
    sum = (table[(sum ^ (bytes[index] ?? 0)) & 0xff] as number) ^ (sum >>> 8);
  }
  return (sum ^ 0xffffffff) >>> 0;
}

let table: Uint32Array | undefined;

function createTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    return value >>> 0;
  });
}
