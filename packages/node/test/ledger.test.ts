import { llm, type UsageEvent } from "@meterbridge/core";
import { start, type StartOptions } from "@meterbridge/node";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hideEnvironment, keepingExporter, keepingLogger } from "./support.ts";

beforeEach(hideEnvironment);
afterEach(() => vi.unstubAllEnvs());

function ledgerOf(events: UsageEvent[], calls: string[]) {
  return {
    description: "a list",
    write: (event: UsageEvent) => void events.push(event),
    async flush(timeoutMillis: number) {
      calls.push(`flush ${timeoutMillis}`);
      return true;
    },
    async close(timeoutMillis: number) {
      calls.push(`close ${timeoutMillis}`);
    },
  };
}

function startQuietly(options: StartOptions) {
  return start({ diagLogger: keepingLogger(), exporters: [keepingExporter()], ...options });
}

const call = { provider: "openai", model: "gpt-5", inputTokens: 3 };

test("a ledger that is given gets every usage event, is flushed before the exporters, and is closed once", async () => {
  const events: UsageEvent[] = [];
  const calls: string[] = [];
  const sdk = startQuietly({ ledger: ledgerOf(events, calls), shutdownTimeoutMillis: 1000 });
  expect(sdk.status).toMatch(/; ledger a list$/);
  llm.record(call);
  await sdk.forceFlush();
  await sdk.shutdown();
  llm.record(call);
  expect(events).toHaveLength(1);
  // Half of the time, so that exporters have theirs when the ledger hangs.
  expect(calls).toEqual(["flush 500", "close 500"]);
});

test("a ledger that cannot keep all in time is told", async () => {
  const logger = keepingLogger();
  const late = { ...ledgerOf([], []), flush: () => Promise.resolve(false) };
  const sdk = startQuietly({ ledger: late, diagLogger: logger });
  await sdk.forceFlush();
  await sdk.shutdown();
  expect(logger.lines.join("\n")).toContain("not all usage events could be kept in time");
});

test("a start that fails leaves no ledger behind that keeps events", () => {
  const events: UsageEvent[] = [];
  const calls: string[] = [];
  expect(() => startQuietly({ ledger: ledgerOf(events, calls), exporters: ["no-such-exporter"] })).toThrow(
    "no-such-exporter",
  );
  llm.record(call);
  expect(events).toEqual([]);
  expect(calls).toEqual(["close 1"]);
});

test("a ledger of a kind that there is not is told with those that there are", () => {
  expect(() => startQuietly({ ledger: "mysql" as "sqlite" })).toThrow(
    '[meterbridge] option "ledger" must be a ledger or one of sqlite, postgresql, off, found "mysql"',
  );
});
