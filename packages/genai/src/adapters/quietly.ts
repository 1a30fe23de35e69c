/** The result, or null where it throws: what is read belongs to the application, whose call must not fail for our reading of it. */
export function quietly<Value>(work: () => Value): Value | null {
  try {
    return work();
  } catch {
    return null;
  }
}
