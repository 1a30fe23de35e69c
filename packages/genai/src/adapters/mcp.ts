import { errorTypeOf, mcp, type McpSide } from "@meterbridge/core";
import { layOver } from "../fetch/own-property.ts";
import { quietly } from "./quietly.ts";
import { watchMcpRequests } from "./mcp-messages.ts";

/** Anything that is connected to a transport: `Client`, `Server` and `McpServer` of the SDK's first and second version. */
export interface McpPeer {
  connect(...parameters: never[]): Promise<void>;
}

/**
 * Meters a client of the Model Context Protocol: how long its requests and its sessions take. Call it before `connect`; the same client is returned. Of a
 * request its method and the tool's name are recorded, never its arguments or a resource's address.
 */
export function meterMcpClient<Client extends McpPeer>(client: Client): Client {
  return meterPeer(client, "client");
}

/** Meters a server of the Model Context Protocol, as {@link meterMcpClient} does a client. */
export function meterMcpServer<Server extends McpPeer>(server: Server): Server {
  return meterPeer(server, "server");
}

/** What both versions of the SDK ask of a transport. A handler that is set before they connect is called before their own. */
interface Transport {
  send(message: unknown, options?: unknown): Promise<void>;
  onmessage?: ((message: unknown, extra?: unknown) => void) | undefined;
  onclose?: (() => void) | undefined;
}

function meterPeer<Peer extends McpPeer>(peer: Peer, side: McpSide): Peer {
  if (metered.has(peer)) return peer;
  metered.add(peer);
  const connect = peer.connect.bind(peer) as (transport: Transport, ...rest: unknown[]) => Promise<void>;
  layOver(peer, "connect", async (transport: Transport, ...rest: unknown[]) => {
    const end = quietly(() => watchTransport(transport, side));
    try {
      return await connect(transport, ...rest);
    } catch (error) {
      end?.(errorTypeOf(error));
      throw error;
    }
  });
  return peer;
}

const metered = new WeakSet<object>();

/** Watches what passes over the transport. The returned function ends the session, unless it has ended. */
function watchTransport(transport: Transport, side: McpSide): (errorType?: string) => void {
  if (typeof transport !== "object" || transport === null || metered.has(transport)) return () => {};
  metered.add(transport);
  const begun = performance.now();
  const outgoing = watchMcpRequests("client");
  const incoming = watchMcpRequests("server");
  const { onmessage, onclose } = transport;
  const send = transport.send.bind(transport);
  let isOpen = true;

  function end(errorType?: string): void {
    if (!isOpen) return;
    isOpen = false;
    outgoing.closed();
    incoming.closed();
    mcp.sessionEnded({ side, duration: (performance.now() - begun) / 1000, errorType });
  }

  // A transport is no EventTarget.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  transport.onmessage = (message, extra) => {
    quietly(() => outgoing.answered(message));
    quietly(() => incoming.asked(message));
    onmessage?.(message, extra);
  };
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- As above.
  transport.onclose = () => {
    end();
    onclose?.();
  };
  layOver(transport, "send", async (message: unknown, options?: unknown) => {
    quietly(() => outgoing.asked(message));
    quietly(() => incoming.answered(message));
    try {
      return await send(message, options);
    } catch (error) {
      quietly(() => outgoing.failed(message, error));
      throw error;
    }
  });
  return end;
}
