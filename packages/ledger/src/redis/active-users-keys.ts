import { keyPart } from "./hot-counter-keys.ts";
import { type LuaScript, luaScript } from "./redis-client.ts";

export type ActiveWindow = "5m" | "1h" | "1d";

/** As core cuts them: 5 × 1 minute, 12 × 5 minutes, 24 × 1 hour. */
export const activeWindows: Readonly<Record<ActiveWindow, { readonly slices: number; readonly minutes: number }>> = {
  "5m": { slices: 5, minutes: 1 },
  "1h": { slices: 12, minutes: 5 },
  "1d": { slices: 24, minutes: 60 },
};

/** The number of the slice in which a minute lies. */
export function sliceOf(window: ActiveWindow, minute: number): number {
  return Math.floor(minute / activeWindows[window].minutes);
}

/** Where the users of a minute go, one slice per window, and for how many seconds each has to stay. */
export function scopeKeys(
  prefix: string,
  tenant: string | undefined,
  minute: number,
): { readonly keys: readonly string[]; readonly seconds: readonly string[] } {
  return {
    keys: windowNames.map((window) => sliceKey(prefix, tenant, window, sliceOf(window, minute))),
    // As long as any window names it, and one slice more for clocks that differ.
    seconds: windowNames.map((window) => {
      const { slices, minutes } = activeWindows[window];
      return String((slices + 1) * minutes * 60);
    }),
  };
}

/** The slices of the window that ends now. */
export function windowKeys(
  prefix: string,
  tenant: string | undefined,
  window: ActiveWindow,
  now: number,
): readonly string[] {
  const newest = sliceOf(window, now / 60_000);
  return Array.from({ length: activeWindows[window].slices }, (_, back) =>
    sliceKey(prefix, tenant, window, newest - back),
  );
}

/** KEYS: slices. ARGV: as many times to live in seconds, then users. */
export const addUsers: LuaScript = luaScript(
  "noting active users",
  `
for index, key in ipairs(KEYS) do
  redis.call('PFADD', key, unpack(ARGV, #KEYS + 1))
  redis.call('EXPIRE', key, ARGV[index])
end
`,
);

const windowNames = Object.keys(activeWindows) as readonly ActiveWindow[];

/** In a cluster all slices of a scope lie in one slot: PFCOUNT takes keys of one only. */
function sliceKey(prefix: string, tenant: string | undefined, window: ActiveWindow, slice: number): string {
  const scope = tenant === undefined ? "{all}" : `tenant:{${keyPart(tenant)}}`;
  return `${prefix}:users:${scope}:${window}:${slice}`;
}
