import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { windowClock } from "./budget-window.ts";

const moments = fc.date({ min: new Date("1990-01-01"), max: new Date("2060-01-01"), noInvalidDate: true });
const zones = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "America/New_York", "Pacific/Apia"];

describe("the window of a budget", () => {
  it("holds its moment, ends where the next begins, and lies on quarter hours as the ledger's sums do", async () => {
    await fc.assert(
      fc.asyncProperty(
        moments,
        fc.constantFrom("hour", "day", "week", "month"),
        fc.constantFrom(...zones),
        async (date, kind, timeZone) => {
          const moment = date.getTime();
          const at = windowClock({ kind, timeZone });
          const window = await at(moment);
          expect(window.slice).toBeLessThanOrEqual(moment);
          expect(window.end).toBeGreaterThan(moment);
          expect([Math.abs(window.slice % 900_000), window.end % 900_000]).toEqual([0, 0]);
          expect((await at(window.end)).slice).toBe(window.end);
          expect(await at(window.end - 1)).toEqual(window);
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ["hour", "2026-11-21T12:34:56Z", "2026-11-21T12:00:00Z", "2026-11-21T13:00:00Z"],
    ["day", "2026-11-21T12:34:56Z", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"],
    ["week", "2026-11-22T23:59:59Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"],
    ["month", "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"],
  ] as const)("is in UTC the %s that people mean", async (kind, moment, start, end) => {
    const window = await windowClock({ kind })(Date.parse(moment));
    expect([new Date(window.slice), new Date(window.end)]).toEqual([new Date(start), new Date(end)]);
  });

  it("is known at once in UTC, and in a time zone from the second time on", async () => {
    expect(windowClock({ kind: "month" })(0)).not.toBeInstanceOf(Promise);
    const inBerlin = windowClock({ kind: "month", timeZone: "Europe/Berlin" });
    await inBerlin(0);
    expect(inBerlin(1)).not.toBeInstanceOf(Promise);
  });

  it("rolls in steps that the ledger can sum up where it is an hour or longer, and covers all of its length", async () => {
    for (const seconds of [1, 59, 60, 61, 3599, 3600, 86_400, 30 * 86_400]) {
      const moment = Date.parse("2026-11-21T12:34:56.789Z");
      const window = await windowClock({ kind: "rolling", seconds })(moment);
      expect(window.oldest).toBeLessThanOrEqual(moment - seconds * 1000);
      expect(window.oldest).toBeGreaterThan(moment - seconds * 1000 - (window.end - window.slice));
      expect(window.boundaries !== undefined).toBe(seconds >= 3600);
      for (const boundary of window.boundaries ?? []) expect(boundary % 900_000).toBe(0);
      expect([window.boundaries?.[0], window.boundaries?.at(-1)]).toEqual(
        seconds < 3600 ? [undefined, undefined] : [window.oldest, window.end],
      );
    }
  });
});
