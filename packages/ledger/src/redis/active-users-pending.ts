/** Users that have not been sent yet, by minute and tenant. Bounded. */
export interface PendingUsers {
  readonly isEmpty: boolean;
  /** False: there was no room. */
  add(minute: number, tenant: string | undefined, digest: string): boolean;
  /** What has been added. */
  entries(): Iterable<{
    readonly minute: number;
    readonly tenant: string | undefined;
    readonly digests: ReadonlySet<string>;
  }>;
  /** The same to be sent: small enough for one script each, and users of a tenant once more among those of all tenants. */
  batches(): Iterable<UsersBatch>;
}

export interface UsersBatch {
  readonly minute: number;
  /** Undefined: of all tenants. */
  readonly tenant: string | undefined;
  readonly digests: readonly string[];
}

export function createPendingUsers(kept = 100_000): PendingUsers {
  const minutes = new Map<number, Map<string | undefined, Set<string>>>();
  let size = 0;

  function add(minute: number, tenant: string | undefined, digest: string): boolean {
    let tenants = minutes.get(minute);
    if (tenants === undefined) minutes.set(minute, (tenants = new Map()));
    let digests = tenants.get(tenant);
    if (digests === undefined) tenants.set(tenant, (digests = new Set()));
    if (digests.has(digest)) return true;
    if (size >= kept) return false;
    digests.add(digest);
    size += 1;
    return true;
  }

  return {
    get isEmpty() {
      return size === 0;
    },
    add,
    *entries() {
      for (const [minute, tenants] of minutes) {
        for (const [tenant, digests] of tenants) yield { minute, tenant, digests };
      }
    },
    *batches() {
      for (const [minute, tenants] of minutes) {
        const all = new Set([...tenants.values()].flatMap((digests) => [...digests]));
        yield* cut(minute, undefined, all);
        for (const [tenant, digests] of tenants) if (tenant !== undefined) yield* cut(minute, tenant, digests);
      }
    },
  };
}

/** Lua's `unpack` takes some 8,000. */
const usersPerScript = 1_000;

function* cut(minute: number, tenant: string | undefined, digests: ReadonlySet<string>): Iterable<UsersBatch> {
  const list = [...digests];
  for (let start = 0; start < list.length; start += usersPerScript) {
    yield { minute, tenant, digests: list.slice(start, start + usersPerScript) };
  }
}

/** Most users are seen many times in an interval: what was hashed once need not be again. Forgets when in doubt. */
export interface RecentUsers {
  /** False when this user was asked for lately, in that minute and tenant. */
  isNews(minute: number, tenant: string | undefined, user: string): boolean;
  clear(): void;
}

export function createRecentUsers(kept = 10_000): RecentUsers {
  const tenants = new Map<string | undefined, Set<string>>();
  let minuteKept = 0;
  let size = 0;

  function clear(): void {
    tenants.clear();
    size = 0;
  }

  return {
    isNews(minute, tenant, user) {
      if (minute !== minuteKept || size >= kept) clear();
      minuteKept = minute;
      let users = tenants.get(tenant);
      if (users === undefined) tenants.set(tenant, (users = new Set()));
      if (users.has(user)) return false;
      users.add(user);
      size += 1;
      return true;
    },
    clear,
  };
}
