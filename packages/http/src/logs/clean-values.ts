import { exceptionOf, instanceOf, isError } from "./known-objects.ts";
import { createSecretCutter } from "./secret-texts.ts";
import { createFieldNames, type FieldName, redacted } from "./sensitive-names.ts";

/** Makes what an application logs safe to write. Copies, and never changes what it was given. */
export interface Cleaner {
  text(text: string): string;
  /** A value as JSON takes it; undefined for what JSON has no place for. What cannot be read is said to be so. */
  value(value: unknown, room: Room): unknown;
  /** Hands over an object's fields one by one, each clean, and beside what it was. */
  each(object: object, room: Room, put: PutField): void;
}

export type PutField = (name: string, clean: unknown, original: unknown) => void;

/** What a line still has room for. */
export interface Room {
  objects: number;
  characters: number;
  /** The objects that the present value is in. */
  readonly within: object[];
}

export function roomForALine(): Room {
  return { objects: 1000, characters: 65_536, within: [] };
}

export interface CleanerOptions {
  /** Names of fields, and expressions for texts, that are secrets beside those known. */
  readonly redact: readonly (string | RegExp)[];
  /** Characters that a text keeps. */
  readonly longestText: number;
}

const deepest = 8;
const mostInOne = 100;
/** Looked at beyond the cut, so that no secret is cut in two and half of it kept. */
const overlap = 1024;

export function createCleaner({ redact, longestText }: CleanerOptions): Cleaner {
  const cutSecrets = createSecretCutter(redact.filter((each) => each instanceof RegExp));
  const fieldOf = createFieldNames(
    redact.filter((each) => typeof each === "string"),
    (name) => limited(name, 255),
  );

  function limited(given: string, limit: number): string {
    if (given.length <= limit) return cutSecrets(given);
    const kept = cutSecrets(given.slice(0, limit + overlap)).slice(0, limit);
    return `${kept.toWellFormed()}… (${given.length} characters)`;
  }

  function text(given: string, room: Room): string {
    const clean = limited(given, Math.min(longestText, room.characters));
    room.characters = Math.max(0, room.characters - clean.length);
    return clean;
  }

  function value(given: unknown, room: Room, field?: FieldName): unknown {
    if (field !== undefined && field.secret !== false && isSecret(given, field.secret)) return redacted;
    switch (typeof given) {
      case "string":
        return text(given, room);
      case "number":
        return Number.isFinite(given) ? given : String(given);
      case "boolean":
        return given;
      case "bigint":
        return text(String(given), room);
      case "object":
        return given === null ? null : object(given, room);
      default:
        return undefined;
    }
  }

  function object(given: object, room: Room): unknown {
    const { within } = room;
    if (--room.objects < 0) return "[left out: too much for a line]";
    if (within.includes(given)) return "[circular]";
    if (within.length >= deepest) return "[left out: too deep]";
    within.push(given);
    try {
      return contents(given, room);
    } catch {
      return "[unreadable]";
    } finally {
      within.pop();
    }
  }

  function contents(given: object, room: Room): unknown {
    if (Array.isArray(given)) return list(given, room);
    if (isPlain(given)) return entries(given, room);
    if (isError(given)) return entries(exceptionOf(given), room);
    if (given instanceof Map) return entries(Object.fromEntries(first(given)), room);
    if (given instanceof Set) return list(first(given), room);
    const known = instanceOf(given);
    if (typeof known === "string") return text(known, room);
    return entries(known ?? given, room);
  }

  function list(given: readonly unknown[], room: Room): unknown[] {
    const kept = given.slice(0, mostInOne).map((each) => value(each, room) ?? null);
    if (given.length > mostInOne) kept.push(`… (${given.length} in all)`);
    return kept;
  }

  function entries(given: object, room: Room): object {
    const kept: Record<string, unknown> = {};
    fields(given, room, (name, clean) => (kept[name] = clean));
    return kept;
  }

  function fields(given: object, room: Room, put: PutField): void {
    let count = 0;
    for (const key of Object.keys(given)) {
      if (++count > mostInOne) return put("…", "left out: too many fields", undefined);
      const field = fieldOf(key);
      const original = read(given, key);
      const clean = value(original, room, field);
      if (clean !== undefined) put(field.name, clean, original);
    }
  }

  return {
    text: (given) => limited(given, longestText),
    value: (given, room) => value(given, room),
    each(given, room, put) {
      try {
        if (isPlain(given)) return fields(given, room, put);
      } catch {
        return put("value", "[unreadable]", undefined);
      }
      const clean = value(given, room);
      if (typeof clean !== "object" || clean === null || Array.isArray(clean)) return put("value", clean, given);
      for (const [name, each] of Object.entries(clean)) put(name, each, each);
    },
  };
}

function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
}

function isSecret(value: unknown, secret: "all" | "but numbers"): boolean {
  if (value === undefined || value === null || typeof value === "boolean") return false;
  return typeof value !== "number" || secret === "all";
}

function read(from: object, key: string): unknown {
  try {
    return (from as Record<string, unknown>)[key];
  } catch {
    return "[unreadable]";
  }
}

function first<Item>(items: Iterable<Item>): Item[] {
  const taken: Item[] = [];
  for (const item of items) {
    if (taken.length > mostInOne) break;
    taken.push(item);
  }
  return taken;
}
