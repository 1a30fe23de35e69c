import type { Attributes } from "@opentelemetry/api";

/** A string that is the same for equal attributes in any order, and for no others. */
export function attributesKey(attributes: Attributes): string {
  let key = "";
  for (const name of Object.keys(attributes).toSorted()) {
    const value = attributes[name];
    // Lengths in front of the texts, so that no text can pass for the next attribute.
    if (typeof value === "string") {
      key += `${name.length}:${name}s${value.length}:${value}`;
    } else {
      const json = JSON.stringify([value]);
      key += `${name.length}:${name}j${json.length}:${json}`;
    }
  }
  return key;
}
