/** For what is the application's own, a logger or a meter: that it throws is no reason to lose an event, or to end the process. */
export function harmlessly(work: () => void): void {
  try {
    work();
  } catch {
    // Whom should it be told?
  }
}
