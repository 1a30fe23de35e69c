import { createServer, request as httpRequest, type IncomingHttpHeaders, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { Mountable, UsageApiToken } from "@meterbridge/http";

export const adminToken: string = "admin-".padEnd(40, "0123456789");
export const acmeToken: string = "acme-".padEnd(40, "0123456789");
export const globexToken: string = "globex-".padEnd(40, "0123456789");

/** Of an administrator and two tenants. */
export const tokens: readonly [UsageApiToken, UsageApiToken, UsageApiToken] = [
  { token: adminToken, scope: "admin" },
  { token: acmeToken, scope: "tenant", tenant: "acme" },
  { token: globexToken, scope: "tenant", tenant: "globex" },
];

export interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The JSON of the body, or undefined where it is none. */
  readonly body: never;
}

/** Asks without a server in between, as an administrator unless another token is given, or null. */
export async function ask(
  api: Pick<Mountable, "fetch">,
  target: string,
  token: string | null = adminToken,
  init: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Told> {
  const authorization = token === null ? undefined : { authorization: `Bearer ${token}` };
  const answer = await api.fetch(
    new Request(`http://localhost${target}`, { ...init, headers: { ...authorization, ...init.headers } }),
  );
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, body: parsed(text) };
}

export interface Listening {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/** Listens on a free loopback port. */
export async function listen(listener: RequestListener, host = "127.0.0.1"): Promise<Listening> {
  const server = createServer({ maxHeaderSize: 2_000_000 }, listener);
  await new Promise<void>((resolve) => void server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends exactly these headers, also one of them twice. */
export function askRaw(
  url: string,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
  method = "GET",
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = Object.entries(headers).flatMap(([name, values]) => [values].flat().flatMap((value) => [name, value]));
    const { host } = new URL(url);
    const withHost = Object.keys(headers).some((name) => name.toLowerCase() === "host")
      ? sent
      : [...sent, "host", host];
    const request = httpRequest(url, { method, headers: withHost, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        });
      });
    });
    request.on("error", reject);
    request.end();
  });
}

function parsed(text: string): never {
  try {
    return JSON.parse(text) as never;
  } catch {
    return undefined as never;
  }
}
