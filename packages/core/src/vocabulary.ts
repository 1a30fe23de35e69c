/** How a run, call or delivery ended: one vocabulary for all areas, so that one dashboard query serves all. */
export type RunStatus = "completed" | "failed" | "cancelled";
export const runStatuses: readonly RunStatus[] = ["completed", "failed", "cancelled"];

/** What became of a checkpoint that was put before a person. */
export type Decision = "approved" | "rejected" | "expired";
export const decisions: readonly Decision[] = ["approved", "rejected", "expired"];

/** Why a value or an attribute could not be recorded as given. */
export type RefusalReason =
  | "not_a_number"
  | "not_finite"
  | "negative"
  | "too_large"
  | "attribute_value"
  | "attribute_cut"
  | "attribute_unknown"
  | "field_unusable"
  | "answer_unreadable"
  | "recorder_failed"
  | "price_book_failed"
  | "sink_failed";
export const refusalReasons: readonly RefusalReason[] = [
  "not_a_number",
  "not_finite",
  "negative",
  "too_large",
  "attribute_value",
  "attribute_cut",
  "attribute_unknown",
  "field_unusable",
  "answer_unreadable",
  "recorder_failed",
  "price_book_failed",
  "sink_failed",
];

/** Stands for every value beyond a meter's series limit, and for values that cannot be a label. */
export const other = "other";
