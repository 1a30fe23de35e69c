import type { Attributes } from "@opentelemetry/api";
import type { ByteWriter } from "./byte-writer.ts";
import { sanitiseAttributes } from "./sanitise-attributes.ts";

/** Writes attributes as repeated `KeyValue` (opentelemetry-proto, common/v1/common.proto), made safe first. */
export function writeAttributes(writer: ByteWriter, tag: number, attributes: Attributes): void {
  for (const [key, value] of Object.entries(sanitiseAttributes(attributes))) writeEntry(writer, tag, key, value);
}

function writeEntry(writer: ByteWriter, tag: number, key: string, value: unknown): void {
  writer.message(tag, () => {
    writer.text(0x0a, key);
    writer.message(0x12, () => writeValue(writer, value));
  });
}

/** `AnyValue`: nothing at all stands for null and undefined. */
function writeValue(writer: ByteWriter, value: unknown): void {
  switch (typeof value) {
    case "string":
      writer.text(0x0a, value);
      return;
    case "boolean":
      writer.varint(0x10, value ? 1 : 0);
      return;
    case "number":
      if (Number.isInteger(value)) writer.varint(0x18, value);
      else writer.double(0x21, value);
      return;
    case "object":
      if (value !== null) writeObject(writer, value);
      return;
    default:
  }
}

function writeObject(writer: ByteWriter, value: object): void {
  if (value instanceof Uint8Array) {
    writer.raw(0x3a, value);
  } else if (Array.isArray(value)) {
    writer.message(0x2a, () => {
      for (const item of value) writer.message(0x0a, () => writeValue(writer, item));
    });
  } else {
    writer.message(0x32, () => {
      for (const [key, inner] of Object.entries(value)) writeEntry(writer, 0x0a, key, inner);
    });
  }
}
