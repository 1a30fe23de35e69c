import { type ActiveWindow, activeWindows, sliceOf } from "./active-users-keys.ts";

/** The users that this process saw, for when Redis does not answer. At most 41 slices of some thousand users. */
export interface OwnUsers {
  add(digest: string, at: number, tenant: string | undefined): void;
  count(window: ActiveWindow, now: number, tenant: string | undefined): number;
}

/**
 * A full slice keeps half of what it has, chosen by a bit of the hash, and from then on only such users; a count is what was kept,
 * times two for each halving. Exact up to `kept` users a slice, then within a few per cent; small tenants in a full slice are rough.
 */
export function createOwnUsers(kept = 4_096): OwnUsers {
  const slices = new Map<string, Slice>();

  function sliceAt(window: ActiveWindow, number: number): Slice {
    const name = `${window}:${number}`;
    let slice = slices.get(name);
    if (slice === undefined) {
      for (const [other, { window: of, number: at }] of slices) {
        if (of === window && at <= number - activeWindows[window].slices) slices.delete(other);
      }
      slices.set(name, (slice = { window, number, halvings: 0, sightings: new Map() }));
    }
    return slice;
  }

  return {
    add(digest, at, tenant) {
      const rank = rankOf(digest);
      const sighting = JSON.stringify([digest, tenant]);
      for (const window of windowNames) {
        const slice = sliceAt(window, sliceOf(window, at / 60_000));
        if (rank < slice.halvings) continue;
        slice.sightings.set(sighting, { digest, tenant, rank });
        while (slice.sightings.size > kept) halve(slice);
      }
    },
    count(window, now, tenant) {
      const newest = sliceOf(window, now / 60_000);
      const inWindow = [...slices.values()].filter(
        (slice) => slice.window === window && slice.number > newest - activeWindows[window].slices,
      );
      const halvings = Math.max(0, ...inWindow.map((slice) => slice.halvings));
      const digests = new Set<string>();
      for (const { sightings } of inWindow) {
        for (const sighting of sightings.values()) {
          if (sighting.rank < halvings || (tenant !== undefined && sighting.tenant !== tenant)) continue;
          digests.add(sighting.digest);
        }
      }
      return digests.size * 2 ** halvings;
    },
  };
}

interface Slice {
  readonly window: ActiveWindow;
  readonly number: number;
  halvings: number;
  readonly sightings: Map<string, Sighting>;
}

interface Sighting {
  readonly digest: string;
  readonly tenant: string | undefined;
  readonly rank: number;
}

const windowNames = Object.keys(activeWindows) as readonly ActiveWindow[];

function halve(slice: Slice): void {
  slice.halvings += 1;
  for (const [name, { rank }] of slice.sightings) if (rank < slice.halvings) slice.sightings.delete(name);
}

/** The number of zero bits that the hash begins with: half of all users have at least 1, a quarter at least 2. */
function rankOf(digest: string): number {
  return Math.clz32(Buffer.from(digest.slice(0, 8), "base64url").readUInt32BE());
}
