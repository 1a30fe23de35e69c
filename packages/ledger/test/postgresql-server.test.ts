import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findPostgresql, type PostgresqlServer, startPostgresql } from "./support/postgresql-server.ts";

describe.skipIf(findPostgresql() === undefined)("the PostgreSQL that other tests stand on", () => {
  let server: PostgresqlServer;
  beforeAll(async () => void (server = await startPostgresql()));
  afterAll(() => server.stop());

  it("keeps what was committed before a crash, so that a lost row is the store's fault", async () => {
    await server.query("CREATE TABLE kept (n integer)");
    await server.query("INSERT INTO kept VALUES (1)");
    const before = server.pid;
    await server.restartImmediate();
    expect(server.pid).not.toBe(before);
    expect(await server.query("SELECT n FROM kept")).toEqual([{ n: 1 }]);
    const [settings] = await server.query("SELECT current_setting('fsync') f, current_setting('full_page_writes') p");
    expect(settings).toEqual({ f: "on", p: "on" });
  });

  it("answers nothing while it is paused, and answers then", async () => {
    server.pause();
    let answered = false;
    const answer = server.query("SELECT 1 AS one").then((rows) => {
      answered = true;
      return rows;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(answered).toBe(false);
    server.resume();
    expect(await answer).toEqual([{ one: 1 }]);
  });
});
