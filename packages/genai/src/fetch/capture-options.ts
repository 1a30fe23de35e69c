import type { PriceBook } from "@meterbridge/core";
import * as v from "valibot";
import { formats } from "../wire/formats.ts";
import type { ConfiguredHost } from "../wire/routes.ts";
import { characterCounter, type TokenCounter } from "../wire/token-counter.ts";
import { tokenCounterOf, type TokenizerOption } from "../wire/tokenizer-option.ts";
import type { FormatName } from "../wire/wire-format.ts";

/** Options of `captureFetch()`. */
export interface CaptureOptions {
  /**
   * Whether a streamed answer of an OpenAI-shaped provider is asked for its usage (`stream_options.include_usage`) where the caller did not ask. The
   * caller does not see what is sent for that. Environment: `METERBRIDGE_CAPTURE_ASK_FOR_USAGE`.
   * @default true
   */
  readonly askForUsage?: boolean | undefined;
  /**
   * Hosts of yours, with the provider whose paths they have, such as `{ "llm.internal": "openai" }`; or, where their paths tell nothing, with the provider
   * and the language of every request, such as `{ "llm.internal:8080": "acme:openai-chat" }`. Environment: `METERBRIDGE_CAPTURE_HOSTS`.
   * @default {}
   */
  readonly hosts?: Readonly<Record<string, string>> | undefined;
  /**
   * Models whose names may be labels before a provider has answered to them. Environment: `METERBRIDGE_CAPTURE_MODELS`.
   * @default []
   */
  readonly models?: readonly string[] | undefined;
  /**
   * What counts the tokens of an answer whose provider tells none: the application's own tokenizer library where it has one, characters alone, or a
   * function of yours. It may block for as long as the library takes to load.
   * @default "auto"
   */
  readonly tokenizer?: TokenizerOption | undefined;
  /**
   * The price book whose models may be labels, too. Asked only about calls that failed.
   * @default null
   */
  readonly priceBook?: PriceBook | null | undefined;
}

export interface CaptureSettings {
  readonly askForUsage: boolean;
  readonly hosts: readonly ConfiguredHost[];
  readonly models: ReadonlySet<string>;
  readonly priceBook: PriceBook | null;
  readonly tokens: TokenCounter;
}

export const defaultSettings: CaptureSettings = {
  askForUsage: true,
  hosts: [],
  models: new Set(),
  priceBook: null,
  tokens: characterCounter,
};

/** @throws Error of one line, naming the option, what was found and what is allowed. */
export function settleCapture(options: CaptureOptions): CaptureSettings {
  const result = v.safeParse(schema, options, { abortEarly: true });
  if (!result.success) {
    const [issue] = result.issues;
    const name = String(issue.path?.[0]?.key);
    if (issue.path === undefined) throw wrong(`captureFetch() takes an object of options, found ${issue.received}`);
    const known = Object.entries(schema.entries).find(([entry]) => entry === name)?.[1];
    if (known === undefined)
      throw wrong(`option "${name}" is unknown; known are ${Object.keys(schema.entries).join(", ")}`);
    throw wrong(`option "${name}" must be ${v.getMetadata(known.wrapped).allowed}, found ${issue.received}`);
  }
  const { askForUsage = true, hosts = {}, models = [] } = result.output;
  return {
    askForUsage,
    hosts: Object.entries(hosts).map(configuredHost),
    models: new Set(models),
    priceBook: options.priceBook ?? null,
    tokens: tokenCounterOf(options.tokenizer ?? "auto"),
  };
}

function option<Schema extends v.GenericSchema>(given: Schema, allowed: string) {
  return v.optional(v.pipe(given, v.metadata({ allowed })));
}

function configuredHost([host, spoken]: [string, string]): ConfiguredHost {
  const [provider = spoken, format] = spoken.split(":");
  return { host: host.toLowerCase(), provider, ...(isFormat(format) && { format }) };
}

function isFormat(name: string | undefined): name is FormatName {
  return name !== undefined && Object.hasOwn(formats, name);
}

const spoken = v.pipe(
  v.string(),
  v.regex(/^[\w.-]+(?::[a-z-]+)?$/),
  v.check((value) => !value.includes(":") || isFormat(value.split(":")[1])),
);

const text = v.pipe(v.string(), v.nonEmpty());

const schema = v.strictObject({
  askForUsage: option(v.boolean(), "true or false"),
  hosts: option(
    v.record(text, spoken),
    `an object of hosts to providers, or to provider:language of ${Object.keys(formats).join(", ")}`,
  ),
  models: option(v.array(text), "a list of names of models"),
  tokenizer: option(
    v.union([v.picklist(["auto", "characters"]), v.function()]),
    "auto, characters or a function of text and model",
  ),
  priceBook: option(
    v.nullable(v.custom((value) => typeof (value as Partial<PriceBook> | undefined)?.price === "function")),
    "a price book or null",
  ),
});

function wrong(problem: string): Error {
  return new Error(`[meterbridge] [capture] ${problem}`);
}
