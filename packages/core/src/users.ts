import type { ObservableResult } from "@opentelemetry/api";
import { catalogueMeter } from "./catalogue.ts";
import type { CoreState } from "./core-state.ts";
import { guarded } from "./guard.ts";
import { observe } from "./observed.ts";
import { createSlidingDistinct } from "./sliding-distinct.ts";

export type ActiveWindow = "5m" | "1h" | "1d";

export interface UsersRecorder {
  /**
   * Notes that the user is active (default: the user of the active attribution). Shown as `user.active`, the number of distinct
   * users in the last 5 minutes, hour and day. The id is hashed at once: it is neither kept nor ever a label. One id is one
   * user, in whatever tenant: where tenants number their users alike, put the tenant in front.
   */
  seen(user?: string | number): void;
  /** Distinct users in the window that ends now: exact up to 512, then an estimate with a standard error of 1.6 %. */
  active(window: ActiveWindow): number;
}

/** Windows as slices: 5 × 1 minute, 12 × 5 minutes, 24 × 1 hour. At most 41 slices of 4 KiB. */
export function createUsersRecorder(state: CoreState): UsersRecorder {
  const windows = {
    "5m": createSlidingDistinct(5, 60),
    "1h": createSlidingDistinct(12, 300),
    "1d": createSlidingDistinct(24, 3600),
  } as const;

  observe(state, catalogueMeter("user.active"), (result: ObservableResult) => {
    const now = Date.now();
    for (const [window, distinct] of Object.entries(windows)) result.observe(distinct.count(now), { window });
  });

  return {
    seen: guarded(state, "user.active", undefined, (given?: string | number): undefined => {
      // Follows the provider: nothing else of this recorder would notice that one has come.
      state.binding.generation();
      const { user: current, tenant } = state.attribution.current();
      const user = given ?? current;
      if (user === undefined) return;
      if (typeof user === "string" ? user === "" : !Number.isFinite(user)) {
        state.refuse("user.active", "attribute_value");
        return;
      }
      const now = Date.now();
      for (const distinct of Object.values(windows)) distinct.add(String(user), now);
      state.sinks.seen(String(user), tenant ?? null);
    }),
    active: guarded(state, "user.active", 0, (window: ActiveWindow) => windows[window].count(Date.now())),
  };
}
