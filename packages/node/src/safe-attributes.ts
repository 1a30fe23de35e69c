import type { Attributes } from "@opentelemetry/api";

/**
 * A copy of the attributes with what can be recorded: texts, finite numbers, booleans, and lists of those. Anything else becomes
 * its text where it has one, and is left out where it has none; `refused` is told either way. A frozen object of plain values,
 * such as core gives for each series, is looked at once and then taken as it is.
 */
export function safeAttributes(attributes: unknown, refused: () => void): Attributes | undefined {
  if (attributes === undefined) return undefined;
  if (typeof attributes !== "object" || attributes === null || Array.isArray(attributes)) {
    refused();
    return undefined;
  }
  if (known.has(attributes)) return attributes as Attributes;
  const safe: Attributes = {};
  for (const key of keysOf(attributes, refused)) {
    const value = valueOf(attributes, key, refused);
    // Defined, not assigned: `__proto__` would set the prototype.
    if (value !== undefined) Object.defineProperty(safe, key, { value, enumerable: true });
  }
  if (!isFrozenAs(safe, attributes)) return safe;
  known.add(attributes);
  return attributes as Attributes;
}

/** Frozen objects of plain values. */
const known = new WeakSet<object>();

/** Whether the object holds what its safe copy holds, for good. A getter or a list of the object could still change. */
function isFrozenAs(safe: Attributes, attributes: object): boolean {
  try {
    if (!Object.isFrozen(attributes)) return false;
    const properties = Object.entries(Object.getOwnPropertyDescriptors(attributes));
    return properties.every(([key, { value }]) => value !== undefined && value === safe[key]);
  } catch {
    return false;
  }
}

function keysOf(attributes: object, refused: () => void): readonly string[] {
  try {
    return Object.keys(attributes);
  } catch {
    refused();
    return [];
  }
}

function valueOf(attributes: object, key: string, refused: () => void): unknown {
  try {
    const value: unknown = Reflect.get(attributes, key);
    if (value === undefined || isPlain(value)) return value;
    if (Array.isArray(value) && value.every(isPlain)) return [...value];
    refused();
    return typeof value === "bigint" || typeof value === "number" ? String(value) : undefined;
  } catch {
    refused();
    return undefined;
  }
}

function isPlain(value: unknown): boolean {
  return (
    typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))
  );
}
