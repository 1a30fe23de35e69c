/** A sample's value as both exposition formats write it: `NaN`, `+Inf`, `-Inf`, else the shortest exact decimal. */
export function valueText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : "NaN";
}

/**
 * A bucket's upper bound. Written as Go writes it (`0.005`, `1e-05`, `1e+06`), because the text is a label: a series keeps its
 * identity when the service is rewritten in another language. OpenMetrics adds `.0` to whole numbers.
 */
export function boundText(bound: number, openMetrics: boolean): string {
  const size = Math.abs(bound);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) {
    return bound.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  return openMetrics && Number.isInteger(bound) ? `${bound}.0` : String(bound);
}
