/** Anything kept at a leaf: marked when used, so that what stayed idle can be found. */
export interface Leaf {
  used: boolean;
  /** Called when it is removed for having been idle. */
  end(): void;
}

/** Leaves found by a path of values, walked through nested maps, so that no key text is built. */
export interface SeriesTree<Kept extends Leaf> {
  readonly size: number;
  find(path: readonly unknown[], rest: readonly unknown[]): Kept | undefined;
  insert(path: readonly unknown[], leaf: Kept): void;
  /** Removes the leaves not used since the last sweep, and starts a new period. Returns how many went. */
  sweep(): number;
  clear(): void;
}

type Branch<Kept> = Map<unknown, Branch<Kept> | Kept>;

export function createSeriesTree<Kept extends Leaf>(): SeriesTree<Kept> {
  let root: Branch<Kept> = new Map();
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
      let next = branch.get(value) as Branch<Kept> | undefined;
      if (next === undefined) branch.set(value, (next = new Map()));
      branch = next;
    }
    branch.set(path.at(-1), leaf);
  }

  return {
    get size() {
      return leaves.length;
    },
    find(path, rest) {
      if (path.length + rest.length === 0) return single;
      let node: Branch<Kept> | Kept | undefined = root;
      for (let index = 0; index < path.length && node !== undefined; index++) {
        node = (node as Branch<Kept>).get(path[index]);
      }
      for (let index = 0; index < rest.length && node !== undefined; index++) {
        node = (node as Branch<Kept>).get(rest[index]);
      }
      return node as Kept | undefined;
    },
    insert,
    sweep() {
      const kept = leaves.filter(({ leaf }) => leaf.used);
      const idle = leaves.filter(({ leaf }) => !leaf.used);
      for (const { leaf } of idle) leaf.end();
      root = new Map();
      single = undefined;
      leaves = kept;
      for (const { path, leaf } of kept) {
        leaf.used = false;
        place(path, leaf);
      }
      return idle.length;
    },
    clear() {
      root = new Map();
      leaves = [];
      single = undefined;
    },
  };
}
