import { expect, test } from "vitest";
import { checkedRequestId, requestIdFor } from "./request-id.ts";

test.each(["a", "7f3a", "edge:7f.3_a-B", "0189f7c2-1c5e-7b5e-9d3a-3f1c2b4a5d6e", "a".repeat(128)])(
  "a client's id %s is taken as it is",
  (id) => {
    expect(checkedRequestId(id)).toBe(id);
    expect(checkedRequestId([id])).toBe(id);
  },
);

test.each([
  "",
  " ",
  "a b",
  "a\r\nSet-Cookie: x=1",
  "a\n",
  "a\u0000",
  "one, two",
  "caf\u00e9",
  "\u2028",
  "\ud83d\ude00",
  "<script>",
  "../../etc/passwd",
  "a".repeat(129),
  "a".repeat(1_000_000),
  ["one", "two"],
  [],
  undefined,
  null,
])("%j is no id, and a new one is made", (header) => {
  expect(checkedRequestId(header)).toBeUndefined();
  expect(requestIdFor(header)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
});
