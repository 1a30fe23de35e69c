import { followNodeClients } from "./node-client-channels.ts";
import { followServers } from "./server-channels.ts";
import { followUndici } from "./undici-channels.ts";

export interface RequestMetersOptions {
  /**
   * Whether requests to this process are metered: `http.server.request.duration`, `http.server.active_requests`.
   * @default true
   */
  readonly server?: boolean | undefined;
  /**
   * Whether requests from this process are metered: `http.client.request.duration`.
   * @default true
   */
  readonly client?: boolean | undefined;
}

/**
 * Meters HTTP requests from now on, by Node.js's diagnostics channels: nothing is patched, and servers may have been made before.
 * Of several calls the requests are metered once, until the last is ended by the function it returned. Server requests in progress
 * are then still followed to their end. Throws when an option is wrong.
 */
export function startRequestMeters(options: RequestMetersOptions = {}): () => void {
  const { server, client } = checked(options);
  const ends = [server && follow("server", followServers), client && follow("client", followClients)];
  return () => {
    for (const end of ends) if (end !== false) end();
  };
}

function followClients(): () => void {
  const unfollow = [followNodeClients(), followUndici()];
  return () => unfollow.forEach((each) => each());
}

interface Following {
  starts: number;
  stop: () => void;
}

/** Several copies of this package may be loaded: one follows. */
function follow(side: "server" | "client", start: () => () => void): () => void {
  const key = Symbol.for(`meterbridge.http.following.${side}`);
  const holder = globalThis as { [key: symbol]: Following | undefined };
  const following = (holder[key] ??= { starts: 0, stop: start() });
  following.starts++;
  let isEnded = false;
  return () => {
    if (isEnded) return;
    isEnded = true;
    following.starts--;
    if (following.starts > 0) return;
    following.stop();
    holder[key] = undefined;
  };
}

function checked(options: RequestMetersOptions): { readonly server: boolean; readonly client: boolean } {
  if (typeof options !== "object" || options === null) throw wrong("must be an object", options);
  const known = { server: options.server ?? true, client: options.client ?? true };
  for (const [name, value] of Object.entries(known)) {
    if (typeof value !== "boolean") throw wrong(`option "${name}" must be true or false`, value);
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined) throw wrong("has the options server and client", unknown);
  return known;
}

function wrong(rule: string, found: unknown): Error {
  return new Error(`[meterbridge] [http] startRequestMeters: ${rule}, found ${JSON.stringify(found)}`);
}
