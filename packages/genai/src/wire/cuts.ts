/** What is taken out of the bytes that are read, from front to back. One object for all pieces: a list of its own for each costs more than the cut. */
export interface Cuts {
  clear(): void;
  add(from: number, to: number): void;
  /** Takes a field out of an object, with the comma that belongs to it. */
  addField(bytes: Uint8Array, from: number, to: number): void;
  /** The bytes up to `to` without what was cut. The same object where nothing is taken; undefined where nothing is left. */
  applyTo(bytes: Uint8Array, to: number): Uint8Array | undefined;
}

export function createCuts(): Cuts {
  const places: number[] = [];
  let count = 0;
  let length = 0;

  function add(from: number, to: number): void {
    places[count] = from;
    places[count + 1] = to;
    count += 2;
    length += to - from;
  }

  return {
    clear() {
      count = 0;
      length = 0;
    },
    add,
    addField(bytes, from, to) {
      let before = from - 1;
      while (isSpace(bytes[before])) before -= 1;
      if (bytes[before] === comma) {
        add(before, to);
        return;
      }
      let after = to;
      while (isSpace(bytes[after])) after += 1;
      if (bytes[after] !== comma) {
        add(from, to);
        return;
      }
      after += 1;
      while (isSpace(bytes[after])) after += 1;
      add(from, after);
    },
    applyTo(bytes, to) {
      if (count === 0 && to === bytes.length) return to === 0 ? undefined : bytes;
      if (to <= length) return undefined;
      // Of its own size: some look at a chunk's whole buffer. It begins with what begins the bytes.
      const rest = copyOf.call(bytes, 0, to - length);
      let written = count === 0 ? 0 : (places[0] as number);
      for (let index = 1; index < count; index += 2) {
        const from = places[index] as number;
        const end = index + 1 < count ? (places[index + 1] as number) : to;
        copy(bytes, from, end, rest, written);
        written += end - from;
      }
      return rest;
    },
  };
}

/** Of a typed array: that of a Buffer copies nothing. */
const copyOf: (this: Uint8Array, from: number, to: number) => Uint8Array = Uint8Array.prototype.slice;

function copy(bytes: Uint8Array, from: number, to: number, target: Uint8Array, at: number): void {
  // A call costs as much as so many bytes.
  if (to - from > 100) target.set(bytes.subarray(from, to), at);
  else for (let index = from; index < to; index += 1) target[at + index - from] = bytes[index] ?? 0;
}

const comma = 44;

function isSpace(byte: number | undefined): boolean {
  return byte === 32 || byte === 9;
}
