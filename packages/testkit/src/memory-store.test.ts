import { memoryStore } from "./memory-store.ts";
import { testLedgerStore } from "./test-ledger-store.ts";

testLedgerStore("in memory", {
  async create() {
    const store = memoryStore();
    return { store, dispose: () => store.close() };
  },
  without: ["reopen", "tamper"],
});
