/** Anything kept at a leaf: marked when used, so that what stayed idle can be found. */
export interface Leaf {
  used: boolean;
  /** Called when it is removed for having been idle. */
  end(): void;
}

/** Leaves found by a path of values, walked through value by value, so that no key text is built. */
export interface SeriesTree<Kept extends Leaf> {
  readonly size: number;
  find(path: readonly unknown[], rest: readonly unknown[]): Kept | undefined;
  insert(path: readonly unknown[], leaf: Kept): void;
  /** Removes the leaves not used since the last sweep, and starts a new period. Returns how many went. */
  sweep(): number;
  clear(): void;
}

/**
 * What follows after each value. The first value is compared, the others are looked up: most attributes have one value in a
 * program (an operation, a model that is not known), and comparing takes a sixth off a whole model call.
 */
export interface Branch<Kept> {
  first: unknown;
  next: Branch<Kept> | Kept | undefined;
  others: Map<unknown, Branch<Kept> | Kept> | undefined;
}

export function createSeriesTree<Kept extends Leaf>(): SeriesTree<Kept> {
  let root = createBranch<Kept>();
  let leaves: { readonly path: readonly unknown[]; readonly leaf: Kept }[] = [];
  let single: Kept | undefined;

  function insert(path: readonly unknown[], leaf: Kept): void {
    leaves.push({ path, leaf });
    place(path, leaf);
  }

  function place(path: readonly unknown[], leaf: Kept): void {
    if (path.length === 0) {
      single = leaf;
      return;
    }
    let branch = root;
    for (const value of path.slice(0, -1)) {
      let next = follow(branch, value) as Branch<Kept> | undefined;
      if (next === undefined) put(branch, value, (next = createBranch()));
      branch = next;
    }
    put(branch, path.at(-1), leaf);
  }

  return {
    get size() {
      return leaves.length;
    },
    find(path, rest) {
      if (path.length + rest.length === 0) return single;
      let node: Branch<Kept> | Kept | undefined = root;
      for (let index = 0; index < path.length && node !== undefined; index++) {
        node = follow(node as Branch<Kept>, path[index]);
      }
      for (let index = 0; index < rest.length && node !== undefined; index++) {
        node = follow(node as Branch<Kept>, rest[index]);
      }
      return node as Kept | undefined;
    },
    insert,
    sweep() {
      const kept = leaves.filter(({ leaf }) => leaf.used);
      const idle = leaves.filter(({ leaf }) => !leaf.used);
      for (const { leaf } of idle) leaf.end();
      root = createBranch();
      single = undefined;
      leaves = kept;
      for (const { path, leaf } of kept) {
        leaf.used = false;
        place(path, leaf);
      }
      return idle.length;
    },
    clear() {
      root = createBranch();
      leaves = [];
      single = undefined;
    },
  };
}

export function createBranch<Kept>(): Branch<Kept> {
  return { first: undefined, next: undefined, others: undefined };
}

export function follow<Kept>(branch: Branch<Kept>, value: unknown): Branch<Kept> | Kept | undefined {
  return branch.first === value ? branch.next : branch.others?.get(value);
}

export function put<Kept>(branch: Branch<Kept>, value: unknown, next: Branch<Kept> | Kept): void {
  if (branch.next === undefined || branch.first === value) {
    branch.first = value;
    branch.next = next;
  } else (branch.others ??= new Map()).set(value, next);
}
