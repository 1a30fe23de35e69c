import type { Attributes } from "@opentelemetry/api";

/**
 * A copy of the attributes with what can be recorded: texts, finite numbers, booleans, and lists of those. A big integer and a
 * number that is not finite become their text; anything else is left out; `refused` is told either way. Undefined is as good
 * as absent. Never throws, whatever getters, proxies or cycles it meets. Frozen, because it is handed to exporters: one that
 * changed a series' name would keep it from being found again.
 */
export function cleanAttributes(attributes: unknown, refused: () => void): Attributes {
  const clean: Attributes = {};
  if (attributes === undefined) return Object.freeze(clean);
  if (typeof attributes !== "object" || attributes === null || Array.isArray(attributes)) {
    refused();
    return Object.freeze(clean);
  }
  for (const key of keysOf(attributes, refused)) {
    const value = valueOf(attributes, key, refused);
    if (value === undefined) continue;
    // Assigned, `__proto__` would set the prototype.
    if (key === "__proto__") Object.defineProperty(clean, key, { value, enumerable: true, writable: true });
    else clean[key] = value;
  }
  return Object.freeze(clean);
}

function keysOf(attributes: object, refused: () => void): readonly string[] {
  try {
    return Object.keys(attributes);
  } catch {
    refused();
    return [];
  }
}

function valueOf(attributes: object, key: string, refused: () => void): Attributes[string] {
  try {
    const value: unknown = Reflect.get(attributes, key);
    if (value === undefined || isPlain(value)) return value;
    if (Array.isArray(value)) {
      // Copied before it is looked at: what a getter gives twice may differ.
      const list: unknown[] = [...value];
      if (list.every(isPlain)) return Object.freeze(list) as string[];
    }
    refused();
    return typeof value === "bigint" || typeof value === "number" ? String(value) : undefined;
  } catch {
    refused();
    return undefined;
  }
}

function isPlain(value: unknown): value is string | number | boolean {
  return (
    typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))
  );
}
