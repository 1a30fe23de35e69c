import type { Redis } from "ioredis";
import { createRequire } from "node:module";
import { assertInTime, type RedisTransport } from "./redis-transport.ts";

/** Throws, with what to do, when ioredis is not installed. Loads nothing. */
export function requireIoredis(): void {
  try {
    createRequire(import.meta.url).resolve("ioredis");
  } catch (cause) {
    throw new Error(
      '[meterbridge] [ledger] [redis] the package "ioredis" is not installed, and option "client" is not set: install ioredis, or pass in a client',
      { cause },
    );
  }
}

/**
 * Opens a connection of its own at the first call, and another one at the first call after it was lost: there is no attempt
 * that nobody asked for. The socket does not keep the process alive.
 */
export function openedTransport(url: string, timeoutMillis: number): RedisTransport {
  const { host } = new URL(url);
  const listeners: (() => void)[] = [];
  let current: { readonly ready: Promise<Redis>; close(): void } | undefined;
  let isClosed = false;

  function open(): Promise<Redis> {
    if (isClosed) return Promise.reject(new Error("it has been closed"));
    if (current !== undefined) return current.ready;
    let client: Redis | undefined;
    const mine = {
      ready: connect(url, timeoutMillis, (made) => {
        client = made;
        made.on("end", forget);
      }),
      close: () => client?.disconnect(),
    };
    function forget(): void {
      if (current === mine) current = undefined;
    }
    current = mine;
    mine.ready.then(() => {
      // Given up while it was being made.
      if (current !== mine) return mine.close();
      for (const listener of listeners) listener();
    }, forget);
    return mine.ready;
  }

  function reset(): void {
    current?.close();
    current = undefined;
  }

  return {
    where: host,
    wasReady: false,
    async send(_firstKey, words, deadline) {
      const client = await open();
      assertInTime(deadline);
      return client.call(words[0] as string, ...words.slice(1));
    },
    onReady: (listener) => void listeners.push(listener),
    reset,
    close() {
      isClosed = true;
      reset();
    },
  };
}

async function connect(url: string, timeoutMillis: number, made: (client: Redis) => void): Promise<Redis> {
  const ioredis = await import("ioredis");
  const client = new ioredis.Redis(url, {
    autoResendUnfulfilledCommands: false,
    commandTimeout: timeoutMillis,
    connectTimeout: timeoutMillis,
    connectionName: "meterbridge",
    enableOfflineQueue: false,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let lastError: unknown;
  // Without a listener ioredis prints by itself.
  client.on("error", (error) => (lastError = error));
  client.on("connect", () => client.stream.unref());
  made(client);
  // A server that takes the connection and then says nothing.
  const deadline = setTimeout(() => client.disconnect(), timeoutMillis);
  try {
    await client.connect();
    return client;
  } catch (error) {
    client.disconnect();
    // "Connection is closed." says less than why.
    throw lastError ?? error;
  } finally {
    clearTimeout(deadline);
  }
}
