import type { RefusalReason } from "./vocabulary.ts";

const explanations: Readonly<Record<RefusalReason, string>> = {
  not_a_number: "a value that is not a number was refused",
  not_finite: "NaN or Infinity was refused, it would have poisoned the sum",
  negative: "a negative value was refused",
  too_large: "a value beyond 2^53 was refused, sums would lose single units",
  attribute_value: "an attribute value that is no allowed label was recorded as other",
  attribute_cut: "an attribute value over 255 characters was cut",
  attribute_unknown: "a name that it does not know was left out",
  field_unusable: "a field that cannot be read or used was left out",
  answer_unreadable: "a model's answer could not be read in full, its usage may be missing",
  recorder_failed: "a recording failed",
  price_book_failed: "the price book failed, the call is unpriced",
  sink_failed: "a usage event sink failed",
};

/** Why an amount that must not be negative was refused. */
export function reasonAgainst(amount: unknown): RefusalReason {
  if (typeof amount !== "number" && typeof amount !== "bigint") return "not_a_number";
  if (typeof amount === "number" && !Number.isFinite(amount)) return "not_finite";
  return amount < 0 ? "negative" : "too_large";
}

/** Kept small: a mistake is told once per meter and kind, and no stream of mistakes may grow memory. */
const mostTold = 1000;

/** Tells each kind of refusal once per meter. */
export function createRefusalLog(
  warn: (message: string) => void,
): (meter: string, reason: RefusalReason, error?: unknown) => void {
  const told = new Set<string>();
  return (meter, reason, error) => {
    const key = `${meter} ${reason}`;
    if (told.has(key) || told.size >= mostTold) return;
    told.add(key);
    warn(
      `${meter}: ${explanations[reason]}${detail(reason, error)} (told once; counted in meterbridge.values.refused)`,
    );
  };
}

/** Of what was thrown only an error's own text; the names that are not known come as a text of ours. */
function detail(reason: RefusalReason, error: unknown): string {
  if (reason === "attribute_unknown" && typeof error === "string") return `: ${error}`;
  return error instanceof Error ? `: ${error.name}: ${error.message}` : "";
}
