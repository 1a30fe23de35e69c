import * as v from "valibot";
import { type Decimal, decimalOf } from "./exact-decimal.ts";
import type { DecimalInput, PriceOverrides } from "./price-override.ts";
import { tokenKinds } from "./rate-card.ts";

const decimalMessage = 'must be a decimal number of at least 0 with at most 12 digits after the point, such as "1.25"';
const nameMessage = 'must be a name, or the beginning of one and a "*"';
const timeMessage = 'must be a date such as "2026-01-31" or a time in UTC such as "2026-01-31T12:00:00Z"';

/** Both forms, for the published schema; {@link exactDecimal} reads them. */
const decimal = v.union(
  [
    v.pipe(v.number(), v.minValue(0, decimalMessage), v.check<number, string>(isDecimal, decimalMessage)),
    v.pipe(
      v.string(),
      v.regex(/^\d{1,15}(\.\d{1,12})?$/, decimalMessage),
      v.check<string, string>(isDecimal, decimalMessage),
    ),
  ],
  decimalMessage,
);
const name = v.pipe(v.string(nameMessage), v.regex(/^[^*]+\*?$|^\*$/, nameMessage));
const time = v.pipe(
  v.string(timeMessage),
  v.regex(/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/, timeMessage),
  v.check((text) => Number.isFinite(Date.parse(text)), timeMessage),
);
const rates = v.strictObject(
  Object.fromEntries(tokenKinds.map((kind) => [kind, v.optional(decimal)])),
  `must be an object of rates by ${tokenKinds.join(", ")}`,
);
const override = v.pipe(
  v.strictObject(
    {
      provider: v.pipe(name, v.description("As it is recorded: openai, aws.bedrock.")),
      model: v.pipe(name, v.description("The model that answered or was asked for.")),
      from: v.optional(v.pipe(time, v.description("Holds for calls from this moment on."))),
      until: v.optional(v.pipe(time, v.description("Holds for calls before this moment."))),
      tier: v.optional(
        v.pipe(
          v.string("must be the name of a service tier"),
          v.nonEmpty("must be the name of a service tier"),
          v.description("The service tier that served the call. Default: standard."),
        ),
      ),
      perMillionTokens: v.optional(v.pipe(rates, v.description("USD per million tokens of a kind."))),
      perRequest: v.optional(v.pipe(decimal, v.description("USD per call."))),
      perWebSearch: v.optional(v.pipe(decimal, v.description("USD per search of the web."))),
    },
    "must be an object with provider, model and rates",
  ),
  v.check(
    ({ perMillionTokens, perRequest, perWebSearch }) =>
      Object.keys(perMillionTokens ?? {}).length > 0 || perRequest !== undefined || perWebSearch !== undefined,
    "must have a rate: perMillionTokens, perRequest or perWebSearch",
  ),
);

/** Described in `docs/price-overrides.schema.json`, which is made of it. */
export const priceOverridesSchema: v.GenericSchema<unknown, PriceOverrides> = v.strictObject(
  {
    $schema: v.optional(v.string()),
    prices: v.pipe(
      v.array(override, "must be a list of prices"),
      v.description("Prices of your own, which go before the price list. The first that fits a call counts."),
    ),
  },
  "must be an object with prices",
) as v.GenericSchema<unknown, PriceOverrides>;

/** Of an input that the schema has accepted. */
export function exactDecimal(input: DecimalInput): Decimal {
  const found = decimalOf(String(input));
  if (found === undefined) throw new RangeError(decimalMessage);
  return found;
}

function isDecimal(input: DecimalInput): boolean {
  return decimalOf(String(input)) !== undefined;
}
