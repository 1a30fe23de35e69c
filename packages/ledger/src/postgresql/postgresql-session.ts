import { ledgerError } from "../ledger-error.ts";
import { isBroken, isRetriable, storeError } from "./postgresql-error.ts";
import type { PostgresqlClient, PostgresqlPool, PostgresqlQuery } from "./postgresql-pool.ts";

export type Records = readonly Readonly<Record<string, unknown>>[];
export type RunQuery = (text: string, values?: readonly unknown[]) => Promise<Records>;

export interface PostgresqlSession {
  readonly location: string;
  /**
   * Runs one statement in a transaction of its own, anew where it lost against another. Ends within the deadline, waiting for
   * a connection and all: a server that is stopped answers nothing, so that its own timeouts do not help.
   * @param doing What is done, for messages: `write to`.
   */
  run(doing: string, query: PostgresqlQuery): Promise<Records>;
  /**
   * The same for a statement that only reads. Compiling one (`jit`) takes longer than running it: a query of 50 ms took 1.4 s, since the
   * planner expects more of many short ranges than there is.
   */
  read(text: string, values?: readonly unknown[]): Promise<Records>;
  /** Runs several in one transaction, each within `statementMillis`. An error rolls all of it back. */
  transaction<Result>(
    doing: string,
    statementMillis: number,
    work: (run: RunQuery) => Promise<Result>,
  ): Promise<Result>;
}

/** Gives every statement a connection and a deadline, and turns what goes wrong into the store's errors. */
export function createSession(
  pool: () => Promise<PostgresqlPool>,
  location: string,
  timeoutMillis: number,
): PostgresqlSession {
  async function withClient<Result>(
    deadline: Deadline,
    work: (client: PostgresqlClient) => Promise<Result>,
    isUnusable: (error: unknown) => boolean,
  ): Promise<Result> {
    const connecting = pool().then((opened) => opened.connect());
    const client = await deadline.bound(connecting).catch((error: unknown) => {
      // What comes too late goes back.
      connecting.then((late) => late.release(), ignore);
      throw error;
    });
    // Between two statements nobody else listens to it, and `pg` ends the process for that.
    client.on?.("error", ignore);
    try {
      const result = await work(client);
      client.release();
      client.removeListener?.("error", ignore);
      return result;
    } catch (error) {
      const unusable = isUnusable(error);
      client.release(unusable);
      if (!unusable) client.removeListener?.("error", ignore);
      throw error;
    }
  }

  /** Tries again while that may help; the last error is told. */
  async function retried<Result>(doing: string, attempt: () => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries++) {
      try {
        return await attempt();
      } catch (error) {
        if (!isRetriable(error) || tries === mostTries) throw storeError(error, doing, location);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** tries));
      }
    }
  }

  return {
    location,
    run(doing, query) {
      const deadline = createDeadline(timeoutMillis);
      return retried(doing, () =>
        withClient(deadline, async (client) => (await deadline.bound(client.query(query))).rows, isBroken),
      );
    },
    read(text, values = []) {
      const deadline = createDeadline(timeoutMillis);
      // With the server's own limit too: not every pool brings one, and what waits for a lock would wait on without us.
      const beginning = `BEGIN READ ONLY; SET LOCAL jit = off; SET LOCAL statement_timeout = ${timeoutMillis}`;
      return retried("read", () =>
        withClient(
          deadline,
          async (client) => {
            // Without values these are sent as one message.
            await deadline.bound(client.query({ text: beginning }));
            const query = values.length === 0 ? { text } : { text, values: [...values] };
            const { rows } = await deadline.bound(client.query(query));
            await deadline.bound(client.query({ text: "COMMIT" }));
            return rows;
          },
          // Closing it rolls back, whatever state it is in.
          () => true,
        ),
      );
    },
    transaction(doing, statementMillis, work) {
      return retried(doing, () =>
        withClient(
          createDeadline(timeoutMillis),
          async (client) => {
            const run: RunQuery = async (text, values = []) => {
              // A little more than the server's own, whose message says what it was waiting for.
              const deadline = createDeadline(statementMillis + 1_000);
              const query = values.length === 0 ? { text } : { text, values: [...values] };
              return (await deadline.bound(client.query(query))).rows;
            };
            await run("BEGIN ISOLATION LEVEL READ COMMITTED");
            await run(`SET LOCAL statement_timeout = ${statementMillis}`);
            await run(`SET LOCAL lock_timeout = ${timeoutMillis}`);
            const result = await work(run);
            await run("COMMIT");
            return result;
          },
          // Closing it rolls back, whatever state it is in.
          () => true,
        ),
      );
    },
  };
}

const mostTries = 6;

interface Deadline {
  /** The promise, or an error when time is up first. */
  bound<Value>(promise: Promise<Value>): Promise<Value>;
}

function createDeadline(milliseconds: number): Deadline {
  const end = performance.now() + milliseconds;
  return {
    async bound(promise) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_resolve, reject) => {
        const left = Math.max(0, end - performance.now());
        timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds} ms`)), left);
      });
      try {
        return await Promise.race([promise, late]);
      } finally {
        clearTimeout(timer);
        promise.catch(ignore);
      }
    },
  };
}

function ignore(): void {}

/** For what is asked of a store that was closed. */
export function closedError(location: string): Error {
  return ledgerError("unavailable", `[meterbridge] [ledger] [postgresql] the store at ${location} is closed`);
}
