import type { LedgerStore } from "../ledger-store.ts";
import { loadDialect, type ReadDialect, type Run } from "./read-dialect.ts";
import { readRows } from "./read-rows.ts";
import { readSums } from "./read-sums.ts";
import { readTenants } from "./read-tenants.ts";
import { readTotals } from "./read-totals.ts";
import { recount } from "./recount.ts";

export interface StoreReaderOptions {
  readonly dialect: ReadDialect["name"];
  /** Qualifies every table. Left out: whatever the connection finds by the bare name. */
  readonly schema?: string;
  /** Runs one statement. Integers may come back as numbers, bigints or texts. */
  readonly run: Run;
}

export type StoreReader = Pick<LedgerStore, "sums" | "totals" | "tenants" | "rows" | "recount">;

/**
 * How a store in SQL is read: the same for SQLite and PostgreSQL. Everything that comes from outside is a bound parameter, and
 * every statement walks along an index. Kysely, which composes them, is loaded at the first call.
 */
export function createStoreReader({ dialect: name, schema, run }: StoreReaderOptions): StoreReader {
  let loading: Promise<ReadDialect> | undefined;
  const dialect = (): Promise<ReadDialect> => (loading ??= loadDialect(name, schema, run));
  return {
    sums: async (query) => readSums(await dialect(), query),
    totals: async (query) => readTotals(await dialect(), query),
    tenants: async () => readTenants(await dialect()),
    rows: async (query) => readRows(await dialect(), query),
    recount: async (query) => recount(await dialect(), query),
  };
}
