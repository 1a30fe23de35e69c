import { afterAll, beforeAll } from "vitest";
import { testLedgerStore } from "@meterbridge/testkit";
import { postgresqlStore, type PostgresqlStore } from "../src/postgresql.ts";
import { startPostgresql, type PostgresqlServer, queryOnce } from "./support/postgresql-server.ts";
let server: PostgresqlServer;
beforeAll(async () => void (server = await startPostgresql()));
afterAll(() => server.stop());
testLedgerStore("in PostgreSQL", {
  async create() {
    const url = await server.createDatabase();
    const stores: PostgresqlStore[] = [];
    const make = () => { const s = postgresqlStore({ url }); stores.push(s); return s; };
    return { store: make(), reopen: async () => make(),
      async tamper(sql) { await queryOnce(url, `SET search_path = meterbridge; ${sql}`); },
      async dispose() { await Promise.all(stores.map((s) => s.close())); } };
  },
});
