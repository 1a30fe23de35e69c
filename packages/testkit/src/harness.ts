import type { LedgerStore } from "@meterbridge/ledger";

/** What the contract suite needs of a store. */
export interface LedgerStoreHarness {
  /** Makes a store of its own with nothing in it, not opened yet. Called for every test. */
  create(): Promise<StoreUnderTest>;
  /** Names what `create()` cannot give, so that the tests of it are left out. Default none: a test whose part is missing fails. */
  readonly without?: readonly Extra[];
}

export interface StoreUnderTest {
  readonly store: LedgerStore;
  /** Another store over the same place, as another process would make it, not opened yet. The first may be open or closed. */
  reopen?(): Promise<LedgerStore>;
  /** Runs one statement of SQL behind the store's back, where the tables are known by their bare names. */
  tamper?(sql: string): Promise<void>;
  /** Closes what is open, and removes what was made. */
  dispose(): Promise<void>;
}

export type Extra = "reopen" | "tamper";

/** Runs `use` with an open store, and disposes of it whatever happens. */
export async function withStore(
  harness: LedgerStoreHarness,
  use: (store: LedgerStore, made: Required<StoreUnderTest>) => Promise<void>,
): Promise<void> {
  const made = await harness.create();
  try {
    await made.store.open();
    await use(made.store, { reopen: missing("reopen"), tamper: missing("tamper"), ...made });
  } finally {
    await made.dispose();
  }
}

function missing(extra: Extra): () => never {
  return () => {
    throw new Error(`the harness's create() gives no ${extra}: give it, or say without: ["${extra}"]`);
  };
}
