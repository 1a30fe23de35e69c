import type { CoreState } from "./core-state.ts";
import { ownText, type LabelValue } from "./label-value.ts";
import { createBranch, follow, put, type Branch } from "./series-tree.ts";

/**
 * Finds what a model call is recorded by, the series of every family, by one walk along its values. Kept is only what the families
 * know under these very values, so it is bounded as they are. It has to be forgotten before one of them looks for idle series, since
 * what is found here is not marked as used there; and it forgets all by itself with each generation.
 */
export interface CallSeries<Kept extends object> {
  find(
    operation: unknown,
    status: unknown,
    errorType: unknown,
    provider: unknown,
    model: unknown,
    responseModel: unknown,
    labels: readonly unknown[],
  ): Kept | undefined;
  /** Keeps it under these values, in the same order. */
  keep(values: readonly unknown[], kept: Kept): void;
  forget(): void;
}

export function createCallSeries<Kept extends object>(state: CoreState): CallSeries<Kept> {
  let root = createBranch<Kept>();
  let generation = -1;

  return {
    find(operation, status, errorType, provider, model, responseModel, labels) {
      const now = state.binding.generation();
      if (now !== generation) {
        generation = now;
        root = createBranch();
      }
      let node = next(root, operation);
      node = next(node, status);
      node = next(node, errorType);
      node = next(node, provider);
      node = next(node, model);
      node = next(node, responseModel);
      for (let index = 0; index < labels.length; index++) node = next(node, labels[index]);
      return node as Kept | undefined;
    },
    keep(values, kept) {
      let branch = root;
      values.forEach((value, index) => {
        const own = ownText(value as LabelValue);
        if (index === values.length - 1) {
          put(branch, own, kept);
          return;
        }
        let following = follow(branch, own) as Branch<Kept> | undefined;
        if (following === undefined) put(branch, own, (following = createBranch()));
        branch = following;
      });
    },
    forget() {
      root = createBranch();
    },
  };
}

function next<Kept>(node: Branch<Kept> | Kept | undefined, value: unknown): Branch<Kept> | Kept | undefined {
  return node === undefined ? undefined : follow(node as Branch<Kept>, value);
}
