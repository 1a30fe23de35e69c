/** Who made the instruments: a meter's name, version and schema URL. */
export interface InstrumentationScope {
  readonly name: string;
  readonly version?: string;
  readonly schemaUrl?: string;
}
