import { BlockList, isIP } from "node:net";
import type { AskedFor } from "../mountable.ts";

/**
 * Whether the request comes from this machine, and means it. Being connected from a loopback address is not enough: a reverse
 * proxy on this machine is, for all the world; and so is a page in this machine's browser whose name was made to point here
 * (DNS rebinding), which the Host header tells.
 */
export function isFromThisMachine(request: AskedFor): boolean {
  return (
    isLoopbackAddress(request.remoteAddress) &&
    !proxyHeaders.some((name) => request.header(name) !== undefined) &&
    !isOldVersion(request) &&
    isLoopbackHost(request)
  );
}

/**
 * nginx speaks HTTP/1.0 to what it stands before, adds none of these headers, and puts `localhost` in place of the host, unless told
 * otherwise (before 1.29.7). No client of today speaks it.
 */
function isOldVersion({ original }: AskedFor): boolean {
  return "httpVersion" in original && original.httpVersion === "1.0";
}

function isLoopbackAddress(address: string | undefined): boolean {
  if (address === undefined) return false;
  const family = isIP(address);
  // The list knows IPv4 addresses that are mapped into IPv6.
  return family !== 0 && loopback.check(address, family === 4 ? "ipv4" : "ipv6");
}

function isLoopbackHost(request: AskedFor): boolean {
  if (request.headerCount("host") > 1) return false;
  // HTTP/2 has no Host header of its own.
  const host = request.header("host") ?? request.header(":authority") ?? "";
  const [, name = ""] = /^(localhost|\d+\.\d+\.\d+\.\d+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.exec(host) ?? [];
  return name.toLowerCase() === "localhost" || isLoopbackAddress(name.replaceAll(/[[\]]/g, ""));
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** What proxies add. One is enough: who asks is somebody else than who connects. */
const proxyHeaders: readonly string[] = [
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-forwarded-port",
  "x-forwarded-server",
  "x-original-forwarded-for",
  "x-envoy-external-address",
  "x-real-ip",
  "x-client-ip",
  "client-ip",
  "x-cluster-client-ip",
  "true-client-ip",
  "cf-connecting-ip",
  "fastly-client-ip",
];
