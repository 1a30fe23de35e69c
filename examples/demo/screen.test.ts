import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { type Frame, renderFrame } from "./frame.ts";
import { openScreen } from "./screen.ts";
import type { Summary } from "./summary.ts";

describe("the screen", () => {
  test.each([1, 30, 1_000, 100_000])("fits 80 columns and 24 rows after %d times the usual traffic", (factor) => {
    const lines = linesOf(frame(factor));
    expect(lines.length).toBeLessThanOrEqual(24);
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test("keeps a gap between figures when they grow", () => {
    const row = linesOf(frame(100_000)).find((line) => line.includes("claude-sonnet-5"));
    expect(row?.trim().split(/\s+/)).toEqual([
      "claude-sonnet-5",
      "12M",
      "300K",
      "10.2B",
      "2.35B",
      "$12340.00",
      "420",
      "ms",
      "1.80",
      "s",
    ]);
  });

  test("calls a model without a price unpriced, not free", () => {
    const row = linesOf(frame(1)).find((line) => line.includes("northwind-tuned-1"));
    expect(row).toContain("unpriced");
    expect(row).not.toContain("$");
  });

  test("is redrawn in place on a terminal, which is given back as it was", () => {
    const terminal = fakeOutput(true);
    const screen = openScreen(terminal);
    screen.show(frame(1));
    screen.show(frame(2));
    const drawn = terminal.written().split("\x1b[H");
    expect(drawn).toHaveLength(3);
    // A line break after the last row would scroll.
    for (const one of drawn.slice(1)) expect(one.split("\n").length).toBeLessThanOrEqual(24);
    screen.close();
    screen.close();
    const [showCursor, mainScreen] = ["\x1b[?25h", "\x1b[?1049l"];
    expect(terminal.written().split(showCursor)).toHaveLength(2);
    expect(terminal.written().endsWith(showCursor + mainScreen)).toBe(true);
  });

  test("writes the addresses once and then plain lines when piped", () => {
    const pipe = fakeOutput(false);
    const screen = openScreen(pipe);
    for (const seconds of [0, 1, 2, 3, 4]) screen.show({ ...frame(1), seconds });
    screen.close();
    const lines = stripVTControlCharacters(pipe.written()).trimEnd().split("\n");
    expect(lines).toHaveLength(4);
    expect(lines[0]).toContain("http://127.0.0.1:9464/metrics");
    expect(lines[3]).toMatch(/^00:04 {2}36 tickets/);
  });

  test("shows at least what was sent when no backend can be read from here", () => {
    expect(linesOf({ ...frame(1), summary: undefined }).join("\n")).toContain("sent 145 requests");
  });
});

function linesOf(given: Frame): readonly string[] {
  return renderFrame(given).map((line) => stripVTControlCharacters(line));
}

function frame(factor: number): Frame {
  return {
    seconds: 78,
    exporters: ["prometheus", "otlp"],
    addresses: {
      service: "http://127.0.0.1:40123",
      pid: 4_194_304,
      metrics: "http://127.0.0.1:9464/metrics",
      otlp: "http://127.0.0.1:44444",
    },
    otlpExports: 39,
    summary: summary(factor),
    sent: {
      requests: 145,
      failedRequests: 2,
      users: 30,
      openSessions: 12,
      tenants: {},
      outcomes: {},
      models: {},
      webhooks: { received: 1, refused: 0 },
    },
    note: "Ctrl-C ends",
  };
}

function summary(factor: number): Summary {
  const names = ["claude-haiku-4-5", "claude-sonnet-5", "gpt-5", "gpt-5-mini", "northwind-tuned-1"];
  const steps = ["support-ticket", "resolver", "plan", "write", "order-lookup", "handbook", "ticket-answered"];
  return {
    requests: { total: 145 * factor, failed: 2 * factor, active: 1, p95: 1.34 },
    models: names.map((model) => ({
      model,
      calls: 120 * factor,
      failed: 3 * factor,
      inputTokens: 102_345 * factor,
      outputTokens: 23_456 * factor,
      costUsd: model === "northwind-tuned-1" ? 0 : 0.1234 * factor,
      unpriced: model === "northwind-tuned-1" ? 117 * factor : 0,
      p50: 0.42,
      p95: 1.8,
    })),
    tenants: ["acme", "globex", "initech", "northwind"].map((tenant) => ({
      tenant,
      calls: 134 * factor,
      tokens: 160_300 * factor,
      costUsd: 0.3 * factor,
      unpriced: 0,
    })),
    steps: steps.map((name) => ({
      kind: "retrieval",
      name,
      completed: 31 * factor,
      failed: 3 * factor,
      cancelled: factor,
    })),
    decisions: { created: 9 * factor, approved: 5 * factor, rejected: 3 * factor, expired: factor },
    users: { fiveMinutes: 30, hour: 30, day: 30 },
    sessions: { active: 12, created: 40 * factor },
    tickets: { chat: 20 * factor, email: 9 * factor, phone: 7 * factor },
    refunds: { count: 6 * factor, euros: 412 * factor },
  };
}

function fakeOutput(isTTY: boolean) {
  let text = "";
  return { isTTY, rows: 24, write: (added: string) => (text += added) !== "", written: () => text };
}
