import fc from "fast-check";
import { expect, test } from "vitest";
import { counterKeys, counterValues, keyPart, ownerKey, parseCounters } from "./hot-counter-keys.ts";

test("the keys are those that readers of Redis were promised, with the tenant as the hash tag", () => {
  expect(counterKeys("metrics", { tenant: "acme", employee: null })).toEqual([
    "metrics:tenant:{acme}:version",
    "metrics:tenant:{acme}:tasks",
    "metrics:tenant:{acme}:tokens",
    "metrics:tenant:{acme}:duration_ms",
    "metrics:tenant:{acme}:errors",
    "metrics:tenant:{acme}:tool_calls",
    "metrics:tenant:{acme}:llm_calls",
    "metrics:tenant:{acme}:cost_nano_usd",
  ]);
  expect(ownerKey("metrics", { tenant: "acme", employee: "ada" })).toBe("metrics:employee:{acme}:ada");
});

test("no two owners share a key, and the hash tag is always the whole tenant, whatever characters ids are made of", () => {
  const id = fc.string({ unit: fc.constantFrom("a", "%", ":", "{", "}", "\0", "\n", "7", "B", "tenant", "é") });
  const owner = fc.record({ tenant: id, employee: fc.option(id) });
  fc.assert(
    fc.property(owner, owner, (one, other) => {
      const isSame = one.tenant === other.tenant && one.employee === other.employee;
      expect(ownerKey("m", one) === ownerKey("m", other)).toBe(isSame);
      expect(/\{([^}]*)\}/.exec(ownerKey("m", one))?.[1]).toBe(keyPart(one.tenant));
      expect(keyPart(one.tenant)).toMatch(/^[^\0\n:{}]+$/);
    }),
  );
});

test("counters beyond 2^53 and below zero are plain decimals, and money keeps its last digit", () => {
  const totals = {
    tasks: 1,
    tokens: 1e22,
    durationMs: 0,
    errors: 0,
    toolCalls: -0,
    llmCalls: 2,
    costNanoUsd: -9_007_199_254_740_993n,
  };
  const values = counterValues(totals);
  expect(values).toEqual(["1", "10000000000000000000000", "0", "0", "0", "2", "-9007199254740993"]);
  expect(parseCounters(values)).toEqual({ ...totals, toolCalls: 0 });
});

test("a set of counters of which one was evicted or is no number counts as missing", () => {
  expect(parseCounters(["1", "2", "3", "4", "5", "6", null])).toBeUndefined();
  expect(parseCounters(["1", "2", "3", "4", "5", "x", "7"])).toBeUndefined();
});
