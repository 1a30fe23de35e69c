import { testLedgerStore } from "@meterbridge/testkit";
import { afterAll, beforeAll, describe } from "vitest";
import { type PostgresqlStore, postgresqlStore } from "../src/postgresql.ts";
import { findPostgresql, type PostgresqlServer, queryOnce, startPostgresql } from "./support/postgresql-server.ts";

describe.skipIf(findPostgresql() === undefined)("with a PostgreSQL of its own", { timeout: 60_000 }, () => {
  let server: PostgresqlServer;
  let schemas = 0;
  beforeAll(async () => void (server = await startPostgresql()));
  afterAll(() => server.stop());

  testLedgerStore("in PostgreSQL", {
    async create() {
      const schema = `ledger ${++schemas}`;
      const stores: PostgresqlStore[] = [];
      const make = (): PostgresqlStore => {
        const store = postgresqlStore({ url: server.url, schema });
        stores.push(store);
        return store;
      };
      return {
        store: make(),
        reopen: async () => make(),
        async tamper(sql) {
          const there = new URL(server.url);
          there.searchParams.set("options", `-c search_path="${schema.replace(" ", "\\ ")}"`);
          await queryOnce(there.href, sql);
        },
        async dispose() {
          await Promise.all(stores.map((store) => store.close()));
        },
      };
    },
  });
});
