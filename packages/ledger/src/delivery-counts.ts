/** `opening` until it is known which: at the start, and after an outage with nothing to try it with. */
export type StoreState = "opening" | "ready" | "down";

/** Events since the start, by what became of them. After an outage some that were written count as duplicates too. */
export interface DeliveryCounts {
  written: number;
  duplicates: number;
  expired: number;
  refused: number;
  lost: number;
  spooled: number;
  replayed: number;
}
