import { connect, createServer, type Socket } from "node:net";

export interface DroppingProxy {
  /** The server's URL by way of the proxy. */
  readonly url: string;
  /** From now on every so-manieth answer to an append that succeeded is kept back, and the connection cut. 0: none. */
  dropEvery: number;
  /** How many answers were. */
  readonly dropped: number;
  stop(): Promise<void>;
}

/** A TCP proxy in front of a PostgreSQL, which loses answers after the server has committed. */
export async function startDroppingProxy(serverUrl: string): Promise<DroppingProxy> {
  const target = new URL(serverUrl);
  const open = new Set<Socket>();
  let answers = 0;
  let dropped = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let answer = Buffer.alloc(0);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (chunk) => upstream.write(chunk));
    upstream.on("data", (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (!answer.subarray(-6, -1).equals(readyForQuery)) return;
      // An append's, by the column that only it answers with. Idle, not in a transaction: with autocommit, all is committed.
      const isCommitted = answer.at(-1) === 0x49 && answer.includes("written\0") && answer.includes("SELECT 1\0");
      if (proxy.dropEvery > 0 && isCommitted && ++answers % proxy.dropEvery === 0) {
        dropped++;
        client.destroy();
        return;
      }
      client.write(answer);
      answer = Buffer.alloc(0);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  const url = new URL(serverUrl);
  url.port = String(address.port);
  const proxy = {
    url: url.href,
    dropEvery: 0,
    get dropped() {
      return dropped;
    },
    async stop() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5]);

/** In front of a PostgreSQL, it takes what PgBouncer takes of a new connection: no `statement_timeout`, in the same words. */
export async function startPoolerProxy(serverUrl: string): Promise<GreetingProxy> {
  return startGreetingProxy(serverUrl, (client, startup, upstream) => {
    if (startup.includes("statement_timeout\0")) {
      client.end(errorResponse("08P01", "unsupported startup parameter: statement_timeout"));
      return;
    }
    upstream.write(startup);
    client.pipe(upstream).pipe(client);
  });
}

/** In front of a PostgreSQL that is shutting down: it ends a connection with the packet that says it is ready. */
export async function startPartingProxy(serverUrl: string): Promise<GreetingProxy> {
  return startGreetingProxy(serverUrl, (client, startup, upstream) => {
    let greeting = Buffer.alloc(0);
    upstream.on("data", (chunk) => {
      greeting = Buffer.concat([greeting, chunk]);
      if (!greeting.subarray(-6, -1).equals(readyForQuery)) return;
      client.end(
        Buffer.concat([greeting, errorResponse("57P01", "terminating connection due to administrator command")]),
      );
    });
    upstream.write(startup);
  });
}

export interface GreetingProxy {
  readonly url: string;
  stop(): Promise<void>;
}

async function startGreetingProxy(
  serverUrl: string,
  greet: (client: Socket, startup: Buffer, upstream: Socket) => void,
): Promise<GreetingProxy> {
  const target = new URL(serverUrl);
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => other.destroy());
    }
    client.once("data", (startup) => greet(client, startup, upstream));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  const url = new URL(serverUrl);
  url.port = String(address.port);
  return {
    url: url.href,
    async stop() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function errorResponse(state: string, message: string): Buffer {
  const body = Buffer.from(`SFATAL\0C${state}\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
