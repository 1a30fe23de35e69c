import type { Attributes } from "@opentelemetry/api";

/**
 * Attributes that every serialiser and collector takes: given back untouched where they are fine, else as a copy in which
 *
 * - a number that OTLP cannot carry (NaN, Infinity, an integer of 2^63 and more), a BigInt and a symbol become text,
 * - a function becomes `[function]`, an object that contains itself `[cyclic]`, one that throws when read `[unreadable]`,
 *   and what is left of more than 10,000 values or 16 levels `[too large]`.
 *
 * Never throws. An attribute is not left out, since that could make two series one.
 */
export function sanitiseAttributes(attributes: Attributes): Attributes {
  const cleaned = sanitise(attributes, { parents: new Set(), left: mostValues });
  return isObject(cleaned) ? cleaned : {};
}

// More, or deeper, says nothing to a metrics backend; and both must end, since an object may branch into itself.
const mostValues = 10_000;
const deepest = 16;

interface Walk {
  readonly parents: Set<object>;
  /** How many more values may be looked at. */
  left: number;
}

/** A text stands where the attributes as a whole could not be read. */
function isObject(cleaned: unknown): cleaned is Attributes {
  return typeof cleaned === "object" && cleaned !== null;
}

function sanitise(value: unknown, walk: Walk): unknown {
  if (typeof value === "number") return isSendable(value) ? value : String(value);
  if (typeof value === "bigint" || typeof value === "symbol") return String(value);
  if (typeof value === "function") return "[function]";
  if (typeof value !== "object" || value === null) return value;
  try {
    return value instanceof Uint8Array ? value : sanitiseObject(value, walk);
  } catch {
    return "[unreadable]";
  }
}

/** An integer attribute travels as int64, which JSON collectors check. */
function isSendable(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Math.abs(value) < 2 ** 63);
}

function sanitiseObject(value: object, walk: Walk): unknown {
  if (walk.parents.has(value)) return "[cyclic]";
  const keys = Object.keys(value);
  walk.left -= Array.isArray(value) ? value.length : keys.length;
  if (walk.left < 0 || walk.parents.size >= deepest) return "[too large]";
  walk.parents.add(value);
  try {
    return sanitiseEntries(value, keys, walk);
  } finally {
    walk.parents.delete(value);
  }
}

/** The object itself when all in it is fine. */
function sanitiseEntries(value: object, keys: readonly string[], walk: Walk): unknown {
  const entries = keys.map((key) => {
    const before: unknown = Reflect.get(value, key);
    return { key, before, after: sanitise(before, walk) };
  });
  if (entries.every(({ before, after }) => Object.is(before, after))) return value;
  if (Array.isArray(value)) return entries.map(({ after }) => after);
  return Object.fromEntries(entries.map(({ key, after }) => [key, after]));
}
