import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { testLedgerStore } from "@meterbridge/testkit";
import type { LedgerStore } from "../src/ledger-store.ts";
import { sqliteStore } from "../src/sqlite/sqlite-store.ts";

testLedgerStore("in SQLite", {
  async create() {
    const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-sqlite-"));
    const file = path.join(directory, "ledger.db");
    const stores: LedgerStore[] = [];
    const make = (): LedgerStore => {
      const store = sqliteStore({ file });
      stores.push(store);
      return store;
    };
    return {
      store: make(),
      reopen: async () => make(),
      async tamper(sql) {
        const database = new DatabaseSync(file);
        database.exec(`pragma busy_timeout = 5000; ${sql}`);
        database.close();
      },
      async dispose() {
        await Promise.all(stores.map((store) => store.close()));
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
});
