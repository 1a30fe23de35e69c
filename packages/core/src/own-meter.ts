import type { AttributeKind, AttributeRule, InstrumentKind } from "./meter-definition.ts";

/** A meter of the application's own. */
export interface OwnMeter {
  /** OpenTelemetry name, for example `orders.placed`; the namespace goes before it. */
  readonly name: string;
  readonly instrument: InstrumentKind;
  /** UCUM unit: `s`, `By`, `USD`, `1`, or an annotation such as `{order}`. */
  readonly unit: string;
  readonly description: string;
  readonly attributes?: Readonly<Record<string, AttributeRule>>;
  /** Upper bounds of a histogram's buckets, ascending; a histogram needs them. */
  readonly buckets?: readonly number[];
}

type ValueOf<Kind extends AttributeKind> = Kind extends readonly (infer Word)[]
  ? Word
  : Kind extends "number"
    ? number
    : Kind extends "boolean"
      ? boolean
      : string;

type Rules<Meter extends OwnMeter> =
  Meter["attributes"] extends Readonly<Record<string, AttributeRule>> ? Meter["attributes"] : Record<never, never>;

/** The attributes a call of the meter takes: every one that is not optional, with the values its rule allows. */
export type AttributesOf<Meter extends OwnMeter> = {
  readonly [
    Key in keyof Rules<Meter> as Rules<Meter>[Key] extends AttributeKind ? Key : never
  ]: Rules<Meter>[Key] extends AttributeKind ? ValueOf<Rules<Meter>[Key]> : never;
} & {
  readonly [
    Key in keyof Rules<Meter> as Rules<Meter>[Key] extends AttributeKind ? never : Key
  ]?: Rules<Meter>[Key] extends {
    readonly kind: infer Kind extends AttributeKind;
  }
    ? ValueOf<Kind> | undefined
    : never;
};

/** A meter without attributes takes none; they may be left out where none is required. */
type Given<Meter extends OwnMeter> = [keyof AttributesOf<Meter>] extends [never]
  ? []
  : Record<never, never> extends AttributesOf<Meter>
    ? [attributes?: AttributesOf<Meter>]
    : [attributes: AttributesOf<Meter>];

/** How a meter of that definition is recorded. */
export type RecorderOf<Meter extends OwnMeter> = Meter["instrument"] extends "counter" | "upDownCounter"
  ? { add(value: number, ...attributes: Given<Meter>): void }
  : Meter["instrument"] extends "observableGauge" | "observableUpDownCounter"
    ? {
        /** Calls back at each collection; the returned function ends that. */
        observe(callback: (observe: (value: number, ...attributes: Given<Meter>) => void) => void): () => void;
      }
    : { record(value: number, ...attributes: Given<Meter>): void };
