import { Server as HttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse, Http2Session } from "node:http2";
import { Server as HttpsServer } from "node:https";
import { Server, type Socket } from "node:net";

/** A server that can be brought to its end without a request noticing. */
export interface DrainableServer {
  /** From now on every answer asks its client to open no second request on that connection. New connections are taken. */
  turnAway(): void;
  /** Takes no more connections. Resolves when all have ended, those that wait for nothing by our doing. */
  stop(): Promise<void>;
  /** Drops every connection, and tells how many there were. */
  cut(): number;
}

/** What is known of a connection. Nothing is done for a request, so that serving costs no more than before. */
interface Connection {
  /** Bytes that came and went, and when they were seen to have changed. */
  bytes: number;
  changedAt: number;
  /** None have come since it was made: Node.js does not count it as idle. */
  readonly freshBytes: number;
  /** Upgraded: a WebSocket, or a tunnel. */
  isTaken: boolean;
}

/**
 * Watches a server's connections from now on, of node:http, node:https or node:http2; of any other, it closes what it takes.
 *
 * The server's own `close()` drops resting connections at once, and with them the requests that are on their way in; and where an
 * answer was begun without `Connection: close`, it waits for the client to go, or for the keep-alive timeout.
 */
export function drainableServer(server: Server): DrainableServer {
  const http1 = server instanceof HttpServer || server instanceof HttpsServer ? server : undefined;
  const sockets = new Set<Socket>();
  const connections = new Map<Socket, Connection>();
  const sessions = new Set<Http2Session>();
  let taken = 0;
  let isTurningAway = false;
  let stoppedAt = Infinity;

  function onConnection(socket: Socket): void {
    taken += 1;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  }

  function watch(socket: Socket): Connection {
    const known = connections.get(socket);
    if (known !== undefined) return known;
    const connection = { bytes: 0, changedAt: 0, freshBytes: socket.bytesRead, isTaken: false };
    connections.set(socket, connection);
    socket.once("close", () => connections.delete(socket));
    return connection;
  }

  const onTaken = (_request: IncomingMessage, socket: Socket): void => void (watch(socket).isTaken = true);
  const takings = ["upgrade", "connect"];
  // Where nobody listens, node:http answers such requests by itself: our listener must not be the only one.
  for (const taking of takings) if (server.listenerCount(taking) > 0) server.prependListener(taking, onTaken);
  server.on("newListener", (event: string) => {
    if (takings.includes(event) && !server.listeners(event).includes(onTaken)) server.prependListener(event, onTaken);
  });
  server.on("connection", onConnection);
  // A session of HTTP/2 says itself when it is over.
  if (http1 !== undefined) server.on(http1 instanceof HttpsServer ? "secureConnection" : "connection", watch);
  server.on("session", (session: Http2Session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    if (stoppedAt < Infinity) session.close();
  });

  function turnAway(): void {
    for (const session of sessions) session.close();
    if (isTurningAway) return;
    isTurningAway = true;
    // Before the application answers, or it would be too late for a header.
    server.prependListener("request", (request: IncomingMessage | Http2ServerRequest, answer: Answer) => {
      if (request.httpVersionMajor === 1) askToClose(answer);
    });
    for (const socket of connections.keys()) askToClose((socket as BusySocket)._httpMessage);
  }

  function sweep(): void {
    const now = performance.now();
    let isQuiet = now - stoppedAt >= restMillis;
    for (const [socket, connection] of connections) {
      const { isTaken, freshBytes } = connection;
      const bytes = socket.bytesRead + socket.bytesWritten;
      if (bytes !== connection.bytes) Object.assign(connection, { bytes, changedAt: now });
      if (isTaken && now - stoppedAt >= takenMillis) socket.destroy();
      if (isTaken) continue;
      if (now - Math.max(connection.changedAt, stoppedAt) < restMillis) isQuiet = false;
      else if (socket.bytesRead === freshBytes) socket.destroy();
    }
    // What it closes has been at rest, since all are; what is being answered stays.
    if (isQuiet) http1?.closeIdleConnections();
  }

  /**
   * The end of listening resets the connections that the system has taken for us and that wait to be handed over, with the requests
   * that they brought. Node.js takes one of them in a turn of the event loop: a turn without one shows that there are none.
   */
  async function takeWaiting(): Promise<void> {
    const deadline = performance.now() + takeWaitingMillis;
    let before = -1;
    while (before < taken && performance.now() < deadline) {
      before = taken;
      await turn();
      await turn();
    }
  }

  return {
    turnAway,
    async stop() {
      await takeWaiting();
      turnAway();
      stoppedAt = performance.now();
      const sweeping = setInterval(sweep, sweepMillis);
      await new Promise<void>((resolve) => {
        // That of the class above only stops listening.
        if (http1 === undefined) server.close(() => resolve());
        else Server.prototype.close.call(server, () => resolve());
      });
      clearInterval(sweeping);
      // Ends what the class itself keeps running. It is closed already, which the callback is told as an error.
      server.close(() => {});
    },
    cut() {
      const left = sockets.size;
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
      // With those that were there before they were watched.
      http1?.closeAllConnections();
      return left;
    },
  };
}

/** How long connections must have been at rest: a request may be on its way to them. */
const restMillis = 250;
/** How long WebSockets have to say goodbye. */
const takenMillis = 1000;
const sweepMillis = 50;
const takeWaitingMillis = 200;

type Answer = ServerResponse | Http2ServerResponse;

/** Where node:http keeps the answer that a connection is busy with. Were it not there, that connection would be closed at rest. */
type BusySocket = Socket & { readonly _httpMessage?: ServerResponse | null };

function askToClose(answer: Answer | null | undefined): void {
  if (answer?.headersSent === false) answer.setHeader("connection", "close");
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
