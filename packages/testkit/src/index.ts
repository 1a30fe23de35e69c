export { ledgerRow, usageEvent, type UsageEvent } from "./builders.ts";
export type { Extra, LedgerStoreHarness, StoreUnderTest } from "./harness.ts";
export { memoryStore, type MemoryStore } from "./memory-store.ts";
export { testLedgerStore } from "./test-ledger-store.ts";
