import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Client as Client2 } from "@modelcontextprotocol/client";
import { InMemoryTransport as InMemoryTransport2, McpServer as McpServer2 } from "@modelcontextprotocol/server";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { InMemoryTransport as InMemoryTransport1 } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer as McpServer1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import { withAttribution } from "@meterbridge/core";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { meterMcpClient, meterMcpServer } from "../src/mcp.ts";
import { startMeters } from "./support/meters.ts";

/** What both versions of the client do. */
interface Connected {
  call(tool: string, signal?: AbortSignal): Promise<unknown>;
  listTools(): Promise<unknown>;
  read(uri: string): Promise<unknown>;
  close(): Promise<void>;
  /** The tool that never answers has been called. */
  readonly reached: Promise<void>;
}

interface Version {
  readonly name: string;
  connect(): Promise<Connected>;
}

/** One side may hear of an end later than the other. */
const deadline = { timeout: 20_000, interval: 5 };
const secret = "the secret argument";
const identity = { name: "test", version: "1" };

const versions: readonly Version[] = [
  {
    name: "1",
    async connect() {
      const server = meterMcpServer(new McpServer1(identity));
      server.registerTool("search", {}, () => ({ content: [{ type: "text", text: secret }] }));
      server.registerTool("broken", {}, () => {
        throw new Error(secret);
      });
      const { promise: reached, resolve } = Promise.withResolvers<void>();
      server.registerTool("slow", {}, () => {
        resolve();
        return new Promise(() => {});
      });
      server.registerResource("notes", "notes://secret", {}, () => ({
        contents: [{ uri: "notes://secret", text: secret }],
      }));
      const client = meterMcpClient(new Client1(identity));
      const [one, other] = InMemoryTransport1.createLinkedPair();
      await Promise.all([server.connect(one), client.connect(other)]);
      onTestFinished(() => client.close());
      return {
        call: (name, signal) => client.callTool({ name, arguments: { secret } }, undefined, signal && { signal }),
        listTools: () => client.listTools(),
        read: (uri) => client.readResource({ uri }),
        close: () => client.close(),
        reached,
      };
    },
  },
  {
    name: "2",
    async connect() {
      const server = meterMcpServer(new McpServer2(identity));
      server.registerTool("search", {}, () => ({ content: [{ type: "text", text: secret }] }));
      server.registerTool("broken", {}, () => {
        throw new Error(secret);
      });
      const { promise: reached, resolve } = Promise.withResolvers<void>();
      server.registerTool("slow", {}, () => {
        resolve();
        return new Promise(() => {});
      });
      server.registerResource("notes", "notes://secret", {}, () => ({
        contents: [{ uri: "notes://secret", text: secret }],
      }));
      const client = meterMcpClient(new Client2(identity));
      const [one, other] = InMemoryTransport2.createLinkedPair();
      await Promise.all([server.connect(one), client.connect(other)]);
      onTestFinished(() => client.close());
      return {
        call: (name, signal) => client.callTool({ name, arguments: { secret } }, signal && { signal }),
        listTools: () => client.listTools(),
        read: (uri) => client.readResource({ uri }),
        close: () => client.close(),
        reached,
      };
    },
  },
];

describe.each(versions)("the SDK $name of the Model Context Protocol", ({ connect }) => {
  test("tells how long each request took on both sides, by its method and tool, and nothing of what passed", async () => {
    const meters = startMeters();
    const client = await withAttribution({ tenant: "acme" }, connect);
    await withAttribution({ tenant: "acme" }, async () => {
      expect(JSON.stringify(await client.call("search"))).toContain(secret);
      await client.call("broken");
      await client.listTools();
      await client.read("notes://secret");
      await client.call("made-up-by-a-model").catch(() => {});
      await expect(client.read("notes://missing")).rejects.toThrow("not found");
    });
    const collection = await meters.collect();
    for (const side of ["client", "server"]) {
      const name = `mcp.${side}.operation.duration`;
      const count = (method: string, attributes: object = {}): number =>
        collection.count(name, { "mcp.method.name": method, ...attributes });
      expect(count("initialize"), side).toBe(1);
      expect(count("tools/list"), side).toBe(1);
      expect(count("tools/call", { "gen_ai.tool.name": "search" }), side).toBe(1);
      expect(count("tools/call", { "error.type": "tool_error" }), side).toBeGreaterThanOrEqual(1);
      expect(count("tools/call"), side).toBe(3);
      // A name that no tool has answered to is no label.
      expect(count("tools/call", { "gen_ai.tool.name": "made-up-by-a-model" }), side).toBe(0);
      expect(count("tools/call", { "gen_ai.tool.name": "other" }), side).toBe(2);
      expect(count("resources/read"), side).toBe(2);
      expect(
        collection
          .points(name, { "mcp.method.name": "resources/read" })
          .map(({ attributes }) => attributes["error.type"])
          .filter(Boolean),
      ).toEqual([expect.stringMatching(/^-\d+$/)]);
      expect(collection.count(name, { tenant: "acme" }), side).toBeGreaterThanOrEqual(6);
    }
    expect(JSON.stringify(collection.resourceMetrics)).not.toContain("secret");
  });

  test("tells how long a session took, once, and what was not answered by its end", async () => {
    const meters = startMeters();
    const client = await connect();
    const unanswered = client.call("slow");
    await client.reached;
    await client.close();
    await expect(unanswered).rejects.toThrow(/closed/i);
    await vi.waitFor(async () => {
      const collection = await meters.collect();
      expect(collection.count("mcp.client.session.duration")).toBe(1);
      expect(collection.count("mcp.server.session.duration")).toBe(1);
      expect(collection.count("mcp.client.operation.duration", { "error.type": "connection_closed" })).toBe(1);
      expect(collection.count("mcp.server.operation.duration", { "error.type": "connection_closed" })).toBe(1);
    }, deadline);
  });

  test("counts a request that is given up once, as cancelled", async () => {
    const meters = startMeters();
    const client = await connect();
    const controller = new AbortController();
    const given = client.call("slow", controller.signal);
    await client.reached;
    controller.abort();
    await expect(given).rejects.toThrow(/abort/i);
    await vi.waitFor(async () => {
      const collection = await meters.collect();
      expect(collection.count("mcp.client.operation.duration", { "error.type": "cancelled" })).toBe(1);
      expect(collection.count("mcp.server.operation.duration", { "error.type": "cancelled" })).toBe(1);
    }, deadline);
  });
});

test("requests over HTTP count on both sides, each in its own session of a server without state", async () => {
  const meters = startMeters();
  const http = createServer((request, response) => {
    const server = meterMcpServer(new McpServer1(identity));
    server.registerTool("search", {}, () => ({ content: [{ type: "text", text: secret }] }));
    const transport = new StreamableHTTPServerTransport();
    response.on("close", () => void transport.close());
    void server.connect(transport as Transport).then(() => transport.handleRequest(request, response));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const client = meterMcpClient(new Client1(identity));
  const { port } = http.address() as AddressInfo;
  await client.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${port}/mcp`)));
  onTestFinished(async () => {
    await client.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  expect(JSON.stringify(await client.callTool({ name: "search", arguments: { secret } }))).toContain(secret);
  await vi.waitFor(async () => {
    const collection = await meters.collect();
    for (const side of ["client", "server"]) {
      const search = { "mcp.method.name": "tools/call", "gen_ai.tool.name": "search" };
      expect(collection.count(`mcp.${side}.operation.duration`, search), side).toBe(1);
      expect(
        collection.points(`mcp.${side}.operation.duration`, search)[0]?.attributes["error.type"],
        side,
      ).toBeUndefined();
      expect(collection.count(`mcp.${side}.operation.duration`, { "mcp.method.name": "initialize" }), side).toBe(1);
    }
  }, deadline);
});

test("a client that is metered twice counts once, and one that cannot connect throws what it threw", async () => {
  const meters = startMeters();
  const client = meterMcpClient(meterMcpClient(new Client1(identity)));
  const [transport] = InMemoryTransport1.createLinkedPair();
  transport.start = () => Promise.reject(new TypeError("no way"));
  await expect(client.connect(transport)).rejects.toThrow("no way");
  const collection = await meters.collect();
  expect(collection.count("mcp.client.session.duration", { "error.type": "TypeError" })).toBe(1);
  expect(collection.count("mcp.client.session.duration")).toBe(1);
});
