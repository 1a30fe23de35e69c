import { expect, test } from "vitest";
import { coversHost, parseHostPattern } from "./baggage-hosts.ts";

function covers(pattern: string, host: string, port?: number): boolean {
  const parsed = parseHostPattern(pattern);
  if (parsed === undefined) throw new Error(`${pattern} is no pattern`);
  return coversHost([parsed], host, port);
}

test.each([
  ["billing.internal", "billing.internal", 80],
  ["billing.internal", "BILLING.Internal", 8443],
  ["billing.internal", "billing.internal.", 80],
  ["*.internal", "billing.internal", 80],
  ["*.internal", "a.b.internal", 80],
  ["localhost:8080", "localhost", 8080],
  ["[::1]:8080", "[::1]", 8080],
  ["127.0.0.1", "127.0.0.1", 1],
  ["*", "api.openai.com", 443],
  ["*:8443", "anything.example", 8443],
])("%s lets attribution go to %s, port %d", (pattern, host, port) => {
  expect(covers(pattern, host, port)).toBe(true);
});

test.each([
  ["billing.internal", "billing.internal.evil.com", 80],
  ["billing.internal", "evil-billing.internal", 80],
  ["*.internal", "internal", 80],
  ["*.internal", ".internal", 80],
  ["*.internal", "evilinternal", 80],
  ["*.internal", "billing.internal.evil.com", 80],
  ["localhost:8080", "localhost", 8081],
  ["localhost:8080", "localhost", undefined],
  ["127.0.0.1", "127.0.0.11", 80],
])("%s keeps attribution from %s, port %s", (pattern, host, port) => {
  expect(covers(pattern, host, port)).toBe(false);
});

test.each(["", "*.", ".internal", "http://billing", "a b", "a/b", "a:0", "a:65536", "a:b", "a.*", "**", "user@host"])(
  "%j is refused as a host",
  (text) => {
    expect(parseHostPattern(text)).toBeUndefined();
  },
);
