/** A way to one Redis, of whatever client. It neither times out nor retries: that is the connection's task. */
export interface RedisTransport {
  /** For messages: host and port, or that it was passed in. Never credentials. */
  readonly where: string;
  /** Sends when the client is connected, unless the deadline has passed by then: nothing is left in a queue for later. */
  send(firstKey: string | undefined, words: readonly string[], deadline: Deadline): Promise<unknown>;
  /** Whether it was connected when it was passed in: the next connection is then not the first. */
  readonly wasReady: boolean;
  /** Calls back whenever a connection has been made. */
  onReady(listener: () => void): void;
  /** The connection seems dead: the next call is to make another. */
  reset(): void;
  close(): void;
}

export interface Deadline {
  readonly hasPassed: boolean;
}

/** For what comes too late: whoever waited has been told already. */
export function assertInTime(deadline: Deadline): void {
  if (deadline.hasPassed) throw new Error("its deadline has passed");
}

/** ioredis: `Redis` and `Cluster`. */
export interface IoredisClient {
  readonly status: string;
  call(command: string, ...words: string[]): Promise<unknown>;
  connect(): Promise<unknown>;
  on(event: "ready", listener: () => void): unknown;
  off(event: "ready", listener: () => void): unknown;
}

/** node-redis: what `createClient` gives. It has to be connected by whoever made it. */
export interface NodeRedisClient extends NodeRedisStatus {
  sendCommand(words: readonly string[]): Promise<unknown>;
}

/** node-redis: what `createCluster` gives. */
export interface NodeRedisCluster extends NodeRedisStatus {
  readonly masters: readonly unknown[];
  sendCommand(firstKey: string | undefined, isReadonly: boolean | undefined, words: string[]): Promise<unknown>;
}

interface NodeRedisStatus {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  on(event: "ready", listener: () => void): unknown;
  off(event: "ready", listener: () => void): unknown;
}

export type RedisClient = IoredisClient | NodeRedisClient | NodeRedisCluster;

/** Speaks through the application's own client, which stays the application's: it is never closed here. */
export function passedInTransport(client: RedisClient): RedisTransport {
  const where = "the client that was passed in";
  const listeners: (() => void)[] = [];
  const events: { on: RedisClient["on"]; off: RedisClient["off"] } = client;
  let waiting: (() => void)[] = [];
  const ready = (): void => {
    const now = waiting;
    waiting = [];
    for (const go of now) go();
    for (const listener of listeners) listener();
  };
  events.on("ready", ready);

  // A command given to a client that is not connected would wait in its queue, and run long after it was given up.
  async function connected(): Promise<void> {
    if (!isReady(client)) await new Promise<void>((resolve) => waiting.push(resolve));
  }

  return {
    where,
    wasReady: "call" in client ? client.status === "ready" : client.isReady,
    async send(firstKey, words, deadline) {
      await connected();
      assertInTime(deadline);
      if ("call" in client) return client.call(words[0] as string, ...words.slice(1));
      if ("masters" in client) return client.sendCommand(firstKey, false, [...words]);
      return client.sendCommand([...words]);
    },
    onReady: (listener) => void listeners.push(listener),
    reset: () => {
      // Nobody waits any longer than the deadline that led here.
      waiting = [];
    },
    close: () => void events.off("ready", ready),
  };
}

function isReady(client: RedisClient): boolean {
  if ("call" in client) {
    // Made with `lazyConnect`: the first command is meant to connect it.
    if (client.status === "wait") client.connect().catch(() => {});
    if (client.status === "end") throw new Error("it has been closed");
    return client.status === "ready";
  }
  if (!client.isOpen) throw new Error("it is not connected: call its connect() first");
  return client.isReady;
}
