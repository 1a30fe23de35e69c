import { addAmounts, textIn, type TextAmount } from "./text-amount.ts";
import type { CallRoute, RequestFacts } from "./wire-format.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** How a format's requests tell what is metered. */
export interface RequestTraits {
  /** Whether a body has the format's shape: asked on hosts that nobody knows. */
  readonly isShaped: (body: Fields) => boolean;
  /** What the model is given to read. */
  readonly inputFields: readonly string[];
  /** @default `model` */
  readonly modelOf?: (body: Fields) => unknown;
  /** @default `service_tier` */
  readonly tierOf?: (body: Fields) => unknown;
  /** Whether a request that does not say so is streamed. @default false */
  readonly streamsByDefault?: boolean;
}

export function readFacts(traits: RequestTraits, body: unknown, route: CallRoute): RequestFacts | null {
  const fields = isFields(body) ? body : undefined;
  if (!route.isKnownHost && (fields === undefined || !traits.isShaped(fields))) return null;
  let input = noText;
  if (fields !== undefined) for (const name of traits.inputFields) input = addAmounts(input, textIn(fields[name]));
  const stream = fields?.["stream"];
  const model = fields && (traits.modelOf === undefined ? fields["model"] : traits.modelOf(fields));
  return {
    operation: route.operation,
    model: word(model) ?? route.model ?? "unknown",
    // A form has texts alone.
    isStreamed:
      route.isStreamed ??
      (stream === undefined ? (traits.streamsByDefault ?? false) : stream === true || stream === "true"),
    serviceTier: word(fields && (traits.tierOf === undefined ? fields["service_tier"] : traits.tierOf(fields))),
    inputCharacters: input.characters,
    inputWideCharacters: input.wideCharacters,
    hidesUsage: false,
  };
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is a list of messages, each with its role. */
export function areMessages(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && isFields(value[0]) && typeof value[0]["role"] === "string";
}

export function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

const noText: TextAmount = { characters: 0, wideCharacters: 0 };

function word(value: unknown): string | undefined {
  return isText(value) && value.length <= 255 ? value : undefined;
}
