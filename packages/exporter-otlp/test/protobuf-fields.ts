/** What protobuf bytes say, whatever the order of the fields: as far as metrics need it, without a schema. */
export type Fields = readonly (readonly [field: number, value: string | Fields])[];

/** Messages within messages, by the paths of their field numbers. */
const messages: ReadonlySet<string> = new Set([
  "1", // resource metrics
  "1.1", // resource
  "1.1.1", // its attributes
  "1.2", // scope metrics
  "1.2.1", // scope
  "1.2.2", // metric
  ...["5", "7", "9", "10"].flatMap((data) => [`1.2.2.${data}`, `1.2.2.${data}.1`]),
  "1.2.2.5.1.7", // attributes of points
  "1.2.2.7.1.7",
  "1.2.2.9.1.9",
  "1.2.2.10.1.1",
  "1.2.2.10.1.8", // exponential buckets
  "1.2.2.10.1.9",
]);

/** The fields of a message, sorted by number; those of one number in their order. */
export function readFields(bytes: Uint8Array, path = ""): Fields {
  const fields: [number, string | Fields][] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("the bytes end within a number");
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = tag >>> 3;
    const here = path === "" ? String(field) : `${path}.${field}`;
    if ((tag & 7) === 0) fields.push([field, String(varint())]);
    else {
      const size = (tag & 7) === 1 ? 8 : varint();
      const value = bytes.subarray(at, at + size);
      if (value.length < size) throw new Error("the bytes end within a field");
      at += size;
      fields.push([field, messages.has(here) ? readFields(value, here) : Buffer.from(value).toString("hex")]);
    }
  }
  return fields.toSorted(([left], [right]) => left - right);
}
