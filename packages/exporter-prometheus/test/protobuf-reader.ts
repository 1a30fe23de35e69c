/** A message as its fields by number, in the order they came. */
export type Fields = ReadonlyMap<number, readonly FieldValue[]>;
export type FieldValue = number | Buffer;

export interface ReadMetric {
  readonly labels: Readonly<Record<string, string>>;
  readonly fields: Fields;
}

export interface ReadFamily {
  readonly name: string;
  readonly help: string;
  readonly type: number;
  readonly metrics: readonly ReadMetric[];
}

/** Reads delimited `io.prometheus.client.MetricFamily` messages, and throws on any byte that is not understood. */
export function readFamilies(bytes: Buffer): ReadFamily[] {
  const families: ReadFamily[] = [];
  let at = 0;
  while (at < bytes.length) {
    const [length, start] = readVarint(bytes, at);
    if (start + length > bytes.length) throw new Error("a family is cut off");
    families.push(readFamily(readFields(bytes.subarray(start, start + length))));
    at = start + length;
  }
  return families;
}

function readFields(bytes: Buffer): Fields {
  const fields = new Map<number, FieldValue[]>();
  let at = 0;
  while (at < bytes.length) {
    const [tag, start] = readVarint(bytes, at);
    let value: FieldValue;
    switch (tag & 7) {
      case 0:
        [value, at] = readVarint(bytes, start);
        break;
      case 1:
        value = bytes.readDoubleLE(start);
        at = start + 8;
        break;
      case 2: {
        const [length, content] = readVarint(bytes, start);
        at = content + length;
        if (at > bytes.length) throw new Error("a field is cut off");
        value = bytes.subarray(content, at);
        break;
      }
      default:
        throw new Error(`wire type ${tag & 7}`);
    }
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}

/** The last value of a field that holds a number. */
export function numberOf(fields: Fields, field: number): number | undefined {
  const value = fields.get(field)?.at(-1);
  return typeof value === "number" ? value : undefined;
}

/** The messages within a field. */
export function messagesOf(fields: Fields, field: number): Fields[] {
  return (fields.get(field) ?? []).map((value) => readFields(value as Buffer));
}

/** A `sint32` or `sint64`. */
export function signed(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

export function labelsOf(pairs: readonly Fields[]): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => [textOf(pair, 1), textOf(pair, 2)]));
}

function readFamily(fields: Fields): ReadFamily {
  const metrics = messagesOf(fields, 4).map((metric) => ({ labels: labelsOf(messagesOf(metric, 1)), fields: metric }));
  return { name: textOf(fields, 1), help: textOf(fields, 2), type: numberOf(fields, 3) ?? -1, metrics };
}

function textOf(fields: Fields, field: number): string {
  return (fields.get(field)?.at(-1) ?? Buffer.alloc(0)).toString();
}

function readVarint(bytes: Buffer, from: number): [value: number, next: number] {
  let value = 0;
  let at = from;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++];
    if (byte === undefined) throw new Error("a varint is cut off");
    value += (byte & 127) * scale;
    if (byte < 128) return [value, at];
  }
}
