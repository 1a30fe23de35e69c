/** Answers that are being sent. A scraper that reads slowly keeps its answer in memory meanwhile: this bounds how many. */
export interface HeldAnswers {
  /** Notes that a body is being sent; `drop` ends that. Gives a function to call when it was sent. */
  hold(body: object, drop: () => void): () => void;
}

/**
 * Lets so many different bodies be on their way at once. Scrapes that share a body count as one; beyond that, those who hold the
 * oldest are dropped: they are the slowest.
 */
export function createHeldAnswers(most: number): HeldAnswers {
  const held = new Map<object, Set<() => void>>();
  return {
    hold(body, drop) {
      const drops = held.get(body) ?? new Set();
      drops.add(drop);
      held.set(body, drops);
      for (const [oldest, all] of held) {
        if (held.size <= most) break;
        held.delete(oldest);
        for (const each of all) each();
      }
      return () => {
        drops.delete(drop);
        if (drops.size === 0 && held.get(body) === drops) held.delete(body);
      };
    },
  };
}
