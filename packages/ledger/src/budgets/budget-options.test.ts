import { describe, expect, it } from "vitest";
import { checkBudgets, checkNumbers } from "./budget-options.ts";
import { createBudgets } from "./budgets.ts";

const good = { name: "team", scope: { tenant: "*" }, limit: { usd: 100 }, window: { kind: "month" } } as const;

describe("a budget that is wrong is refused at start, by name, with what to do", () => {
  it.each([
    [{ ...good, name: "" }, 'budget number 1: "name" must be 1 to 100 letters'],
    [{ ...good, name: "a{b}" }, 'budget "a{b}": "name" must be 1 to 100 letters'],
    [
      { ...good, scope: { team: "x" } },
      'budget "team": "scope.team" is unknown, there are tenant, employee, project, model',
    ],
    [{ ...good, scope: { tenant: "" } }, 'budget "team": "scope.tenant" must be a text of 1 to 255 characters'],
    [{ ...good, scope: undefined }, 'budget "team": "scope" must be an object, {} for everybody, found undefined'],
    [{ ...good, limit: { usd: 0 } }, 'budget "team": "limit.usd" must be a number of USD above 0'],
    [{ ...good, limit: { usd: Number.NaN } }, 'budget "team": "limit'],
    [{ ...good, limit: { nanoUsd: 0n } }, 'budget "team": "limit.nanoUsd" must be a bigint of nano-USD above 0n'],
    [{ ...good, limit: { tokens: 1.5 } }, 'budget "team": "limit.tokens" must be a whole number from 1 to'],
    [{ ...good, limit: { usd: 1, tokens: 1 } }, 'budget "team": "limit" must be one of { usd: 100 }'],
    [{ ...good, window: { kind: "year" } }, 'budget "team": "window" must be { kind: "hour" | "day"'],
    [
      { ...good, window: { kind: "day", timeZone: "Mars/Base" } },
      'budget "team": "window.timeZone" must be an IANA time zone',
    ],
    [
      { ...good, window: { kind: "rolling", seconds: 0 } },
      'budget "team": "window.seconds" must be a whole number from 1 to',
    ],
    [{ ...good, soft: 2 }, 'budget "team": "soft" must be a share of the limit from 0 to 1, found 2'],
    [{ ...good, hard: "yes" }, 'budget "team": "hard" must be true or false, found "yes"'],
    [null, "budget number 1: must be an object, found null"],
  ])("%#: %o", (budget, message) => {
    expect(() => checkBudgets([budget as never])).toThrow(`[meterbridge] [budgets] ${message}`);
  });

  it("as are two of one name, and options", () => {
    expect(() => checkBudgets([good, good])).toThrow('budget "team" is there twice: give each a name of its own');
    expect(() => checkBudgets("x" as never)).toThrow('option "budgets" must be a list of budgets, found "x"');
    expect(() => checkNumbers({ budgets: [], leaseSeconds: 0 })).toThrow(
      'option "leaseSeconds" must be a whole number from 1 to 86400, found 0',
    );
    expect(() => checkNumbers({ budgets: [], whenRedisIsGone: "panic" as never })).toThrow(
      'option "whenRedisIsGone" must be one of local-share, fail-open, fail-closed, found "panic"',
    );
    // A mode that is misspelt would be the default one, and grant what it should refuse.
    expect(() => createBudgets({ budgets: [], whenRedisGone: "fail-closed" } as never)).toThrow(
      '[meterbridge] [budgets] option "whenRedisGone" is unknown, the options are budgets, ',
    );
    expect(() => createBudgets(undefined as never)).toThrow("[meterbridge] [budgets] options must be an object");
  });
});

it("money is taken to the nano-USD, and 80 % of the limit is soft unless told otherwise", () => {
  const [budget] = checkBudgets([{ ...good, limit: { usd: 0.1 } }]);
  expect(budget).toMatchObject({ unit: "nanoUsd", limit: 100_000_000n, soft: 80_000_000n, hard: true });
});
