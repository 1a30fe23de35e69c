/** How many series a family may have at each degree of detail. Ascending: the coarser, the more room is left for it. */
export interface SeriesBudget {
  /** Series with every value as given. */
  readonly exact: number;
  /** Together with those whose attribution labels are `other`. */
  readonly withoutAttribution: number;
  /** Together with those whose open values are all `other`. */
  readonly closedOnly: number;
}

/**
 * Splits a limit. Its last series is left to the meter provider's own overflow, as OpenTelemetry counts it
 * (specification, metrics SDK, "Cardinality limits"), and the one before to a series with all values `other`, which always
 * has room: whatever comes, it is counted somewhere.
 * @param closedCombinations how many series the closed attributes alone can make
 */
export function splitSeriesLimit(limit: number, closedCombinations: number): SeriesBudget {
  const closedOnly = Math.max(0, limit - 2);
  const forClosed = Math.min(closedCombinations, Math.floor(closedOnly / 10));
  const forAttribution = Math.floor(closedOnly / 10);
  const withoutAttribution = closedOnly - forClosed;
  return { exact: withoutAttribution - forAttribution, withoutAttribution, closedOnly };
}
