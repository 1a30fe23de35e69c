/** The OpenTelemetry instruments a meter can be. Durations are seconds, sizes bytes, money USD. */
export type InstrumentKind =
  | "counter"
  | "upDownCounter"
  | "gauge"
  | "histogram"
  | "observableGauge"
  | "observableUpDownCounter";

/** What an attribute may hold: a closed list of words, or any value of a kind. Open strings fall under the series limit. */
export type AttributeKind = "string" | "number" | "boolean" | readonly string[];

/** An attribute that is always given, or `{ kind, optional: true }` for one that may be left out. */
export type AttributeRule = AttributeKind | { readonly kind: AttributeKind; readonly optional: true };

/** One meter as data. Recorders, documentation, dashboards and a user's own meters all come from this shape. */
export interface MeterDefinition {
  /** OpenTelemetry name, lower case with dots, for example `orders.placed`. Exporters translate it. */
  readonly name: string;
  readonly instrument: InstrumentKind;
  /** UCUM unit, for example `s`, `By`, `USD`, `1`, or an annotation such as `{order}`. */
  readonly unit: string;
  readonly description: string;
  readonly attributes: Readonly<Record<string, AttributeRule>>;
  /** Upper bounds of a histogram's buckets, ascending. */
  readonly buckets?: readonly number[];
}

/** The kind behind a rule, whether the attribute is optional or not. */
export function kindOf(rule: AttributeRule): AttributeKind {
  return typeof rule === "object" && "kind" in rule ? rule.kind : rule;
}

/** Whether the attribute may be left out. */
export function isOptional(rule: AttributeRule): boolean {
  return typeof rule === "object" && "kind" in rule;
}

/** What most attributes of the catalogue hold: any text, always given or not. */
export const text: AttributeRule = "string";
export const optionalText: AttributeRule = { kind: "string", optional: true };

/** Whether its values are asked for at each collection, not recorded. */
export function isObserved({ instrument }: { readonly instrument: InstrumentKind }): boolean {
  return instrument === "observableGauge" || instrument === "observableUpDownCounter";
}

type Attributes = MeterDefinition["attributes"];

export function counter(name: string, unit: string, description: string, attributes: Attributes): MeterDefinition {
  return { name, instrument: "counter", unit, description, attributes };
}

export function upDownCounter(
  name: string,
  unit: string,
  description: string,
  attributes: Attributes,
): MeterDefinition {
  return { name, instrument: "upDownCounter", unit, description, attributes };
}

export function observableGauge(
  name: string,
  unit: string,
  description: string,
  attributes: Attributes,
): MeterDefinition {
  return { name, instrument: "observableGauge", unit, description, attributes };
}

export function observableUpDownCounter(
  name: string,
  unit: string,
  description: string,
  attributes: Attributes,
): MeterDefinition {
  return { name, instrument: "observableUpDownCounter", unit, description, attributes };
}

export function histogram(
  name: string,
  unit: string,
  description: string,
  attributes: Attributes,
  buckets: readonly number[],
): MeterDefinition {
  return { name, instrument: "histogram", unit, description, attributes, buckets };
}
