import { createServer as createTcpServer, type Server as TcpServer, type Socket } from "node:net";
import { BSON } from "mongodb";
import mysql from "mysql2";

export interface FakeDatabase {
  readonly port: number;
  close(): Promise<void>;
}

/** The side of a server in mysql2, which its types leave out. */
interface ServerSide {
  on(event: "query", listener: (sql: string) => void): void;
  on(event: "error", listener: () => void): void;
  sequenceId: number;
  serverHandshake(greeting: object): void;
  writeTextResult(rows: readonly object[], columns: readonly object[]): void;
  writeError(error: { readonly code: number; readonly message: string }): void;
}

interface MysqlServer {
  readonly _server: TcpServer;
  on(event: "connection", listener: (connection: ServerSide) => void): void;
  listen(port: number, listener: () => void): void;
  close(listener: () => void): void;
}

/** A server of mysql2's own, which answers every query with one row, and those with the word `missing` by an error. */
export async function fakeMysql(): Promise<FakeDatabase> {
  const server = (mysql.createServer as unknown as () => MysqlServer)();
  server.on("connection", (connection: ServerSide) => {
    const greeting = { protocolVersion: 10, serverVersion: "8.0.0", connectionId: 1, statusFlags: 2, characterSet: 8 };
    connection.serverHandshake({
      ...greeting,
      capabilityFlags: 0xff_ff_ff ^ 0x8_00,
      authCallback(_who: object, admit: (error: null) => void) {
        admit(null);
        // The next packet begins a command.
        connection.sequenceId = 0;
      },
    });
    connection.on("query", (sql: string) => {
      connection.sequenceId = 1;
      if (sql.includes("missing")) connection.writeError({ code: 1146, message: "Table 'shop.missing' doesn't exist" });
      else connection.writeTextResult([{ one: 1 }], [column]);
      connection.sequenceId = 0;
    });
    connection.on("error", () => {});
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, resolve);
  await promise;
  return {
    port: portOf(server._server),
    close: () => new Promise((done) => server.close(() => done())),
  };
}

/** A MongoDB that knows who it is, answers `find` by one document, has no collection to drop, and has the `_id` 1 already. */
export async function fakeMongodb(): Promise<FakeDatabase> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    let received = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= received.readInt32LE(0)) {
        const message = received.subarray(0, received.readInt32LE(0));
        received = received.subarray(message.length);
        socket.write(answerTo(message));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: portOf(server),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const column = {
  catalog: "def",
  schema: "",
  table: "",
  orgTable: "",
  name: "one",
  orgName: "one",
  characterSet: 33,
  columnLength: 20,
  columnType: 8,
  flags: 0,
  decimals: 0,
};

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;

/** The messages of https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/. */
function answerTo(message: Buffer): Buffer {
  const isQuery = message.readInt32LE(12) === OP_QUERY;
  const start = isQuery ? message.indexOf(0, 20) + 9 : 21;
  const command = BSON.deserialize(message.subarray(start, start + message.readInt32LE(start)));
  const body = BSON.serialize(replyTo(command));
  const head = isQuery
    ? Buffer.from([8, 0, 0, 0, ...Array.from({ length: 12 }, () => 0), 1, 0, 0, 0])
    : Buffer.from([0, 0, 0, 0, 0]);
  const header = Buffer.alloc(16);
  header.writeInt32LE(16 + head.length + body.length, 0);
  header.writeInt32LE(message.readInt32LE(4), 8);
  header.writeInt32LE(isQuery ? OP_REPLY : OP_MSG, 12);
  return Buffer.concat([header, head, body]);
}

function replyTo(command: BSON.Document): BSON.Document {
  if ("find" in command) {
    return { ok: 1, cursor: { id: BSON.Long.ZERO, ns: `shop.${String(command["find"])}`, firstBatch: [{ _id: 1 }] } };
  }
  if ("drop" in command) return { ok: 0, errmsg: "ns not found", code: 26, codeName: "NamespaceNotFound" };
  const [document] = (command["documents"] ?? []) as { readonly _id?: unknown }[];
  if (document?._id === 1) {
    return { ok: 1, n: 0, writeErrors: [{ index: 0, code: 11_000, errmsg: "E11000 duplicate key: ada@example.org" }] };
  }
  const hello = { isWritablePrimary: true, helloOk: true, minWireVersion: 0, maxWireVersion: 25, readOnly: false };
  return {
    ok: 1,
    ...hello,
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
  };
}

function portOf(server: TcpServer): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}
