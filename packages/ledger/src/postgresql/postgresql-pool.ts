import { Socket } from "node:net";
import { ledgerError } from "../ledger-error.ts";

/** What the store needs of a pool. One of `pg` is one; so is whatever else gives clients with `query` and `release`. */
export interface PostgresqlPool {
  connect(): Promise<PostgresqlClient>;
  /**
   * `error` tells of errors of idle clients, `connect` of new ones, before `connect()` resolves with them. `pg` ends the process when
   * nobody listens for errors.
   */
  on?: PoolListening;
  removeListener?: PoolListening;
}

interface PoolListening {
  (event: "error", listener: (error: Error) => void): unknown;
  (event: "connect", listener: (client: PostgresqlClient) => void): unknown;
}

export interface PostgresqlClient {
  query(query: PostgresqlQuery): Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[] }>;
  /** True destroys the connection instead of keeping it for the next. */
  release(destroy?: boolean): void;
  on?(event: "error", listener: (error: Error) => void): unknown;
  removeListener?(event: "error", listener: (error: Error) => void): unknown;
}

export interface PostgresqlQuery {
  readonly text: string;
  readonly values?: unknown[];
  /** Prepares the statement under this name, once per connection. */
  readonly name?: string;
}

/**
 * Keeps a pool's errors from ending the process, where they are for no caller: those of idle clients, and what a server says with its
 * greeting in one packet (that it is shutting down), when whoever asked for the client cannot listen yet. Gives what ends it.
 */
export function bearErrors(pool: PostgresqlPool): () => void {
  const greeted = (client: PostgresqlClient): void => {
    client.on?.("error", ignore);
    setImmediate(() => client.removeListener?.("error", ignore));
  };
  pool.on?.("error", ignore);
  pool.on?.("connect", greeted);
  return () => {
    pool.removeListener?.("error", ignore);
    pool.removeListener?.("connect", greeted);
  };
}

function ignore(): void {}

/** A pool that we opened, and so end. */
export interface OwnPool extends PostgresqlPool {
  /** Waits for clients that are in use; those that do not answer in time are cut off. */
  end(timeoutMillis: number): Promise<void>;
}

/** Loads `pg` and opens a pool of a few connections, which hold no process open. */
export async function openPool(url: string, timeoutMillis: number, location: string): Promise<OwnPool> {
  const { Pool } = await loadDriver(location);
  const sockets = new Set<Socket>();
  const make = (limits: typeof serverLimits | undefined): InstanceType<typeof Pool> =>
    new Pool({
      connectionString: url,
      application_name: "meterbridge",
      // Two appends, and some queries beside them.
      max: 6,
      connectionTimeoutMillis: timeoutMillis,
      ...limits,
      keepAlive: true,
      allowExitOnIdle: true,
      stream: () => {
        const socket = new Socket();
        sockets.add(socket);
        socket.once("close", () => sockets.delete(socket));
        return socket;
      },
    });
  // So that the server does not go on for ever with what nobody waits for any more. The client's own deadline is apart.
  const serverLimits = { statement_timeout: timeoutMillis, idle_in_transaction_session_timeout: timeoutMillis };
  let pool = make(serverLimits);
  bearErrors(pool);

  /** Set after connecting instead, limits would stay with a connection that PgBouncer lends to others. */
  function withoutLimits(refused: typeof pool): typeof pool {
    if (pool !== refused) return pool;
    pool = make(undefined);
    bearErrors(pool);
    refused.end().catch(() => {});
    return pool;
  }

  return {
    async connect() {
      const asked = pool;
      try {
        return await asked.connect();
      } catch (error) {
        if (isLimitRefused(error)) return withoutLimits(asked).connect();
        throw error;
      }
    },
    async end(milliseconds) {
      const ended = pool.end();
      // A server that is stopped closes nothing.
      const timer = setTimeout(() => sockets.forEach((socket) => socket.destroy()), milliseconds);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** PgBouncer's words, unless it was told to ignore them. */
function isLimitRefused(error: unknown): boolean {
  return error instanceof Error && error.message.includes("unsupported startup parameter");
}

async function loadDriver(location: string): Promise<{ readonly Pool: typeof import("pg").Pool }> {
  try {
    const driver = await import("pg");
    // Older ones are CommonJS, whose names Node.js does not always see.
    return "Pool" in driver ? driver : (driver as { readonly default: typeof import("pg") }).default;
  } catch (error) {
    const advice = 'install the package "pg" beside @meterbridge/ledger, or pass a pool as option "pool"';
    throw ledgerError("unavailable", `[meterbridge] [ledger] [postgresql] no driver for ${location}: ${advice}`, error);
  }
}
