import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findPostgresql, type PostgresqlServer, startPostgresql } from "../../ledger/test/support/postgresql-server.ts";
import { findRedis, type RedisServer, startRedis } from "../../ledger/test/support/redis-server.ts";
import { type RunningProcess, startProcess, until } from "../../../test/support/servers.ts";

// The life of a pod, as kubelet sees it: a real PostgreSQL and a real Redis, which go and come back.

const isPossible = findPostgresql() !== undefined && findRedis() !== undefined;

describe.runIf(isPossible)("a process that is probed all its life", () => {
  let database: PostgresqlServer;
  let redis: RedisServer;
  let application: RunningProcess;
  let url: string;
  let probes: Probes;

  beforeAll(async () => {
    [database, redis] = await Promise.all([startPostgresql(), startRedis()]);
    const file = path.join(import.meta.dirname, "support/probed-application.ts");
    const { PATH } = process.env;
    application = startProcess(process.execPath, ["--conditions=@meterbridge/source", file, database.url, redis.url], {
      env: { PATH },
    });
    const port = await until(() => /^listening (\d+)$/m.exec(application.output())?.[1], "the application to listen");
    url = `http://127.0.0.1:${port}`;
    probes = startProbes(url);
  });

  afterAll(async () => {
    probes.stop();
    await application.stop("SIGKILL");
    await Promise.all([database.stop(), redis.stop()]);
  });

  test("takes no requests before it says that it has started", async () => {
    expect(await probes.becomes(false)).toEqual({ ready: false, reason: "starting" });
    await fetch(`${url}/start`);
    await probes.becomes(true);
    expect(await health()).toMatchObject({
      status: 200,
      body: { status: "healthy", checks: { database: { status: "healthy" }, redis: { status: "healthy" } } },
    });
  });

  test("is taken out while Redis is down, and comes back with it, without a restart", async () => {
    await redis.kill();
    const { checks } = await probes.becomes(false);
    expect(checks).toEqual({ redis: expect.stringMatching(/^(?:timeout|ECONN\w+|failed)$/) });
    expect(await health()).toMatchObject({ status: 503, body: { checks: { database: { status: "healthy" } } } });
    await redis.restart();
    await probes.becomes(true);
  });

  test("is taken out while PostgreSQL is down, and comes back with it", async () => {
    process.kill(database.pid, "SIGINT");
    const { checks } = await probes.becomes(false);
    expect(checks).toEqual({ database: expect.stringMatching(/^(?:ECONNREFUSED|ECONNRESET|57P0\d|failed)$/) });
    await database.restartImmediate();
    await probes.becomes(true);
  });

  test("is taken out within the check's deadline while PostgreSQL hangs, and no connection is left hanging with it", async () => {
    database.pause();
    try {
      expect(await probes.becomes(false)).toEqual({
        ready: false,
        reason: "unhealthy",
        checks: { database: "timeout" },
      });
      // It goes on hanging, and answers are at hand all the same.
      for (let probe = 0; probe < 10; probe++) {
        const before = performance.now();
        expect(await health()).toMatchObject({ status: 503 });
        expect(performance.now() - before).toBeLessThan(800 + 500);
        await sleep(100);
      }
    } finally {
      database.resume();
    }
    await probes.becomes(true);
    await until(async () => (await (await fetch(`${url}/busy`)).text()) === "0", "the pool to be free");
  });

  test("says that it drains before it ends, was alive all the time, and ends with 0", async () => {
    application.child.kill("SIGTERM");
    expect(await probes.becomes(false)).toEqual({ ready: false, reason: "draining" });
    expect(await application.ended).toBe(0);
    expect(probes.deadBefore()).toBe(0);
    expect(application.output()).not.toMatch(/Error|\[http\]/);
  });

  async function health(): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(`${url}/health`);
    return { status: answer.status, body: await answer.json() };
  }
});

interface Readiness {
  readonly ready: boolean;
  readonly reason?: string;
  readonly checks?: Readonly<Record<string, string>>;
}

interface Probes {
  /** Waits until it is ready, or no longer is. */
  becomes(ready: boolean): Promise<Readiness>;
  /** How many liveness probes failed while the process took connections. */
  deadBefore(): number;
  stop(): void;
}

/** As kubelet does, but every 100 ms: one probe for readiness and one for liveness, each given a second. */
function startProbes(url: string): Probes {
  const states: Readiness[] = [];
  let dead = 0;
  const stopped = new AbortController();

  async function probe(which: string): Promise<Response | undefined> {
    try {
      return await fetch(`${url}/health/${which}`, { signal: AbortSignal.timeout(1000) });
    } catch (error) {
      if ((error as Error).name === "TimeoutError") throw error;
      // Nobody takes the connection: it has ended, or is about to.
      return undefined;
    }
  }

  async function probeReadiness(): Promise<void> {
    for (; !stopped.signal.aborted; await sleep(100)) {
      // One that is not answered in time is seen as the state that does not come.
      const answer = await probe("ready").catch(() => undefined);
      if (answer === undefined) continue;
      const state = (await answer.json()) as Readiness;
      if (answer.ok === state.ready) states.push(state);
    }
  }

  async function probeLiveness(): Promise<void> {
    for (; !stopped.signal.aborted; await sleep(100)) {
      const isAlive = await probe("live").then(
        (answer) => answer?.ok ?? true,
        () => false,
      );
      if (!isAlive) dead += 1;
    }
  }

  void probeReadiness();
  void probeLiveness();
  return {
    becomes: (ready) => until(() => states.splice(0).findLast((state) => state.ready === ready), `ready: ${ready}`),
    deadBefore: () => dead,
    stop: () => stopped.abort(),
  };
}
