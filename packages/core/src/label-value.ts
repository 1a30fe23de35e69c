import type { AttributeKind } from "./meter-definition.ts";
import { other, type RefusalReason } from "./vocabulary.ts";

/** Longest label value kept. Longer ones are cut: a value is a word, not a document. */
const longestLabelValue = 255;

export type LabelValue = string | number | boolean | undefined;

/**
 * The value made safe for use as a label: well-formed text of bounded length, a finite number, a boolean, or undefined for an
 * attribute that was left out. What cannot be a label becomes `other`; `refuse` is told why.
 */
export function labelValue(value: unknown, kind: AttributeKind, refuse: (reason: RefusalReason) => void): LabelValue {
  if (value === undefined || value === null) return undefined;
  if (typeof kind === "object") {
    if (typeof value === "string" && kind.includes(value)) return value;
    if (value !== other) refuse("attribute_value");
    return other;
  }
  switch (typeof value) {
    case "string":
      return text(value, refuse);
    case "number":
      if (!Number.isFinite(value)) break;
      return kind === "number" ? value : String(value);
    case "boolean":
      return kind === "boolean" ? value : String(value);
    case "bigint":
      return text(String(value), refuse);
    default:
  }
  refuse("attribute_value");
  return other;
}

/**
 * The value with memory of its own. V8 makes a piece of a text a reference into the whole: a label cut out of a request's body
 * would keep that body as long as its series lives.
 */
export function ownText(value: LabelValue): LabelValue {
  return typeof value === "string" ? Array.from(value).join("") : value;
}

/**
 * The value as it may be shown to whoever reads the metrics: a key or token that was given for a name, or an address with a password, is
 * `other`. Usage events keep it: there it is whose the money is.
 */
export function publicValue(value: LabelValue, refuse: (reason: RefusalReason) => void): LabelValue {
  if (typeof value !== "string" || value.length < shortestSecret || !secretShape.test(value)) return value;
  refuse("attribute_value");
  return other;
}

const shortestSecret = 16;
/** API keys (OpenAI, Anthropic, Stripe), JWTs, keys of AWS and GitHub, a URL's user and password. No part is long enough to be slow. */
const secretShape =
  /\b[spr]k[-_](?=[A-Za-z_-]{0,64}\d)[\w-]{16}|\beyJ[\w-]{8,200}\.eyJ|\bA[KS]IA[A-Z0-9]{12}|\bgh[opsur]_\w{20}|:\/\/[^\s/?#]{0,200}@/;

/** The value as a short text for a usage event or a span's name, or null for none. */
export function shortText(value: unknown): string | null {
  const label = labelValue(value, "string", () => {});
  return label === undefined ? null : String(label);
}

function text(value: string, refuse: (reason: RefusalReason) => void): string {
  if (value.length <= longestLabelValue) return value.toWellFormed();
  refuse("attribute_cut");
  return value.slice(0, longestLabelValue).toWellFormed();
}
