import { findCatalogueMeter } from "./catalogue.ts";
import { kindOf, type MeterDefinition } from "./meter-definition.ts";

/** Throws when the definition of a user's own meter breaks a rule, saying which and what to do. */
export function checkDefinition(meter: MeterDefinition): void {
  const { name, instrument, unit, description, attributes, buckets } = meter;
  if (typeof name !== "string" || name.length > 200 || !/^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$/.test(name)) {
    throw wrong(name, "the name must be lower case words with dots, such as orders.placed, of at most 200 characters");
  }
  if (findCatalogueMeter(name) !== undefined) throw wrong(name, "Meterbridge has a meter of that name: choose another");
  if (!instruments.includes(instrument)) throw wrong(name, `the instrument must be one of ${instruments.join(", ")}`);
  if (typeof unit !== "string" || !/^[\x21-\x7e]{1,63}$/.test(unit)) {
    throw wrong(name, "the unit must be a UCUM unit such as s, By, USD, 1 or {order}");
  }
  if (typeof description !== "string" || description === "") throw wrong(name, "it needs a description");
  for (const [key, rule] of Object.entries(attributes)) checkAttribute(name, key, kindOf(rule));
  if (instrument === "histogram" && !isAscending(buckets)) {
    throw wrong(name, "a histogram needs buckets: finite upper bounds in ascending order, for example [0.1, 1, 10]");
  }
}

const instruments: readonly string[] = [
  "counter",
  "upDownCounter",
  "gauge",
  "histogram",
  "observableGauge",
  "observableUpDownCounter",
];
const kinds: readonly unknown[] = ["string", "number", "boolean"];

/** Ids have no bound: one series each would be one per user. They belong into the attribution and the usage event. */
const unboundedId = /(^|[._])(user|session|request|trace|span|message|conversation|execution)[._]?id$/i;
const unboundedText = /(^|[._])(user|session)$/i;
const attributeName = /^[a-zA-Z][a-zA-Z0-9_.]*$/;
const inherited: readonly string[] = ["constructor", "prototype", "tenant", "employee", "project"];

function checkAttribute(meter: string, key: string, kind: unknown): void {
  if (!attributeName.test(key)) throw wrong(meter, `attribute "${key}" must be letters, digits, dots and underscores`);
  if (inherited.includes(key))
    throw wrong(meter, `attribute "${key}" is taken: it comes from the attribution, or is reserved`);
  const words = key.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2");
  if (unboundedId.test(words) || (kind !== "boolean" && typeof kind === "string" && unboundedText.test(words))) {
    throw wrong(meter, `attribute "${key}" has no bound and cannot be a label: use withAttribution or users.seen`);
  }
  const isList =
    Array.isArray(kind) && kind.length > 0 && kind.every((word) => typeof word === "string" && word !== "");
  if (!isList && !kinds.includes(kind)) {
    throw wrong(meter, `attribute "${key}" must be "string", "number", "boolean" or a list of words`);
  }
}

function isAscending(buckets: readonly number[] | undefined): boolean {
  if (!Array.isArray(buckets) || buckets.length === 0) return false;
  return buckets.every((bound, index) => Number.isFinite(bound) && (index === 0 || bound > buckets[index - 1]));
}

function wrong(name: unknown, problem: string): Error {
  return new Error(`[meterbridge] meter "${String(name)}": ${problem}`);
}
