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
  const windows = windowNames.map((window) => ({ window, slices: new Map<number, Slice>() }));

  return {
    add(digest, at, tenant) {
      const rank = rankOf(digest);
      // Digests are all of one length.
      const name = tenant === undefined ? digest : `${digest} ${tenant}`;
      for (const { window, slices } of windows) {
        const slice = sliceAt(slices, window, sliceOf(window, at / 60_000));
        if (rank < slice.halvings || slice.sightings.has(name)) continue;
        slice.sightings.set(name, { digest, tenant, rank });
        while (slice.sightings.size > kept) halve(slice);
      }
    },
    count(window, now, tenant) {
      const oldest = sliceOf(window, now / 60_000) - activeWindows[window].slices + 1;
      const { slices } = windows[windowNames.indexOf(window)]!;
      const inWindow = [...slices].flatMap(([number, slice]) => (number < oldest ? [] : [slice]));
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

function sliceAt(slices: Map<number, Slice>, window: ActiveWindow, number: number): Slice {
  const found = slices.get(number);
  if (found !== undefined) return found;
  for (const other of slices.keys()) if (other <= number - activeWindows[window].slices) slices.delete(other);
  const slice = { halvings: 0, sightings: new Map<string, Sighting>() };
  slices.set(number, slice);
  return slice;
}

interface Slice {
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
  let bits = 0;
  for (const letter of digest) {
    const value = base64url.indexOf(letter);
    if (value > 0) return bits + Math.clz32(value) - 26;
    bits += 6;
  }
  return bits;
}

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
