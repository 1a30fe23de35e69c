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
  /** Drops every connection, and tells how many there were, and how many requests were being answered. */
  cut(): { readonly requests: number; readonly connections: number };
}

/** What is known of a connection of HTTP/1. */
interface Connection {
  /** Requests that are being answered. */
  requests: number;
  /** How many bytes had come when the last answer ended: more than these are the beginning of a request. */
  bytesAtRest: number;
  restingSince: number;
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
  const isHttp1 = server instanceof HttpServer || server instanceof HttpsServer;
  const sockets = new Set<Socket>();
  const connections = new Map<Socket, Connection>();
  const answers = new Set<ServerResponse | Http2ServerResponse>();
  const sessions = new Set<Http2Session>();
  let taken = 0;
  let isTurningAway = false;
  let stoppedAt: number | undefined;

  function onConnection(socket: Socket): void {
    taken += 1;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  }

  function watch(socket: Socket): Connection {
    const known = connections.get(socket);
    if (known !== undefined) return known;
    const connection = { requests: 0, bytesAtRest: socket.bytesRead, restingSince: 0, isTaken: false };
    connections.set(socket, connection);
    socket.once("close", () => connections.delete(socket));
    return connection;
  }

  function onRequest(
    request: IncomingMessage | Http2ServerRequest,
    answer: ServerResponse | Http2ServerResponse,
  ): void {
    answers.add(answer);
    if (request.httpVersionMajor > 1) {
      answer.once("close", () => answers.delete(answer));
      return;
    }
    if (isTurningAway) askToClose(answer);
    const { socket } = request;
    const connection = watch(socket);
    connection.requests += 1;
    answer.once("close", () => {
      answers.delete(answer);
      connection.requests -= 1;
      connection.bytesAtRest = socket.bytesRead;
      connection.restingSince = performance.now();
    });
  }

  const onTaken = (_request: IncomingMessage, socket: Socket): void => void (watch(socket).isTaken = true);
  const takings = ["upgrade", "connect"];
  // Where nobody listens, node:http answers such requests by itself: our listener must not be the only one.
  for (const taking of takings) if (server.listenerCount(taking) > 0) server.prependListener(taking, onTaken);
  server.on("newListener", (event: string) => {
    if (takings.includes(event) && !server.listeners(event).includes(onTaken)) server.prependListener(event, onTaken);
  });
  server.on("connection", onConnection);
  // Of node:http2 only what speaks HTTP/1 is watched, from its first request on: a session says itself when it is over.
  if (isHttp1) server.on(server instanceof HttpsServer ? "secureConnection" : "connection", watch);
  server.on("session", (session: Http2Session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    if (stoppedAt !== undefined) session.close();
  });
  // Before the application answers, or it would be too late for a header.
  server.prependListener("request", onRequest);

  function turnAway(): void {
    isTurningAway = true;
    for (const answer of answers) askToClose(answer);
    for (const session of sessions) session.close();
  }

  function sweep(): void {
    const now = performance.now();
    const since = stoppedAt ?? now;
    for (const [socket, { requests, bytesAtRest, restingSince, isTaken }] of connections) {
      const isResting = !isTaken && requests === 0 && socket.bytesRead === bytesAtRest;
      if (isResting && now - Math.max(restingSince, since) >= restMillis) socket.destroySoon();
      if (isTaken && now - since >= takenMillis) socket.destroy();
    }
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
      turnAway();
      for (const session of sessions) session.close();
      await takeWaiting();
      stoppedAt = performance.now();
      const sweeping = setInterval(sweep, sweepMillis);
      await new Promise<void>((resolve) => {
        // That of the class above only stops listening.
        if (isHttp1) Server.prototype.close.call(server, () => resolve());
        else server.close(() => resolve());
      });
      clearInterval(sweeping);
      // Ends what the class itself keeps running. It is closed already, which the callback is told as an error.
      server.close(() => {});
    },
    cut() {
      const left = { requests: answers.size, connections: sockets.size };
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
      // With those that were there before they were watched.
      if (isHttp1) server.closeAllConnections();
      return left;
    },
  };
}

/** How long a connection must have been at rest: a request may be on its way to it. */
const restMillis = 250;
/** How long WebSockets have to say goodbye. */
const takenMillis = 1000;
const sweepMillis = 50;
const takeWaitingMillis = 200;

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function askToClose(answer: ServerResponse | Http2ServerResponse): void {
  if (!answer.headersSent && answer.req.httpVersionMajor === 1) answer.setHeader("connection", "close");
}
