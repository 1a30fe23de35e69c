import type { DiagLogger } from "@opentelemetry/api";
import { describe, expect, it } from "vitest";
import type { Outcome, Trouble } from "./send-with-retry.ts";
import { createTeller } from "./tell-once.ts";

const delivered: Outcome = { delivered: true, body: Buffer.alloc(0) };
const refused: Trouble = {
  delivered: false,
  kind: "ECONNREFUSED",
  reason: "connect ECONNREFUSED 127.0.0.1:4318",
  mayHaveArrived: false,
};
const overloaded: Outcome = {
  delivered: false,
  kind: "503",
  reason: "it answered 503 Service Unavailable",
  mayHaveArrived: false,
};

describe("the state of the exports", () => {
  it("is told once when it fails and once when it works again, not at each interval", () => {
    const { tell, told } = start();

    for (const outcome of [delivered, refused, refused, refused, delivered, delivered]) tell.exported(outcome);

    expect(told).toEqual([
      "warn [meterbridge] [otlp] exports to collector:4318 fail: connect ECONNREFUSED 127.0.0.1:4318",
      "warn [meterbridge] [otlp] exports to collector:4318 work again after 3 that failed",
    ]);
  });

  it("is told again when it fails again", () => {
    const { tell, told } = start();

    for (const outcome of [refused, delivered, refused]) tell.exported(outcome);

    expect(told.filter((line) => line.includes(" fail: "))).toHaveLength(2);
  });

  it("is told once for each kind of trouble, however they alternate", () => {
    const { tell, told } = start();

    for (const outcome of [refused, overloaded, refused, overloaded, refused]) tell.exported(outcome);

    expect(told).toHaveLength(2);
  });

  it("is told by a flush that could not wait, and not once more when the export has failed", () => {
    const { tell, told } = start();

    tell.late(refused);
    tell.exported(refused);
    tell.exported(delivered);

    expect(told).toEqual([
      "warn [meterbridge] [otlp] exports to collector:4318 fail: connect ECONNREFUSED 127.0.0.1:4318",
      "warn [meterbridge] [otlp] exports to collector:4318 work again after 1 that failed",
    ]);
  });

  it("is told at the end only when the last values were lost", () => {
    const working = start();
    working.tell.exported(delivered);
    working.tell.ended();
    const failing = start();
    failing.tell.exported(refused);
    failing.tell.ended();

    expect(working.told).toEqual([]);
    expect(failing.told.at(-1)).toBe("warn [meterbridge] [otlp] shut down before collector:4318 took the last export");
  });

  it("never shows a header's value that the backend repeats", () => {
    const { tell, told } = start("http://collector:4318/v1/metrics", ["Bearer hunter2-token"]);

    tell.exported({
      delivered: false,
      kind: "401",
      reason: "it answered 401: unknown token hunter2-token",
      mayHaveArrived: false,
    });

    expect(told).toEqual([
      "warn [meterbridge] [otlp] exports to collector:4318 fail: it answered 401: unknown token …",
    ]);
  });

  it("shows no piece of a header's value where a long answer is cut", () => {
    for (let length = 100; length < 600; length += 10) {
      const { tell, told } = start("http://collector:4318/v1/metrics", ["Bearer hunter2-token"]);
      const reason = `it answered 401: ${"x".repeat(length)} hunter2-token ${"x".repeat(10_000)}`;

      tell.exported({ delivered: false, kind: "401", reason, mayHaveArrived: false });
      tell.rejected(1, reason);

      expect(told).toHaveLength(2);
      expect(told.join()).not.toContain("hunt");
      expect(told.join().length).toBeLessThan(1000);
    }
  });

  it("names the host alone, without the path, the query and the credentials of the URL", () => {
    const { tell, told } = start("http://user:hunter2@collector:4318/hunter2?key=hunter2");

    tell.exported(refused);

    expect(told.join()).not.toContain("hunter2");
  });

  it("hints at the gRPC port, on which HTTP never works", () => {
    const { tell, told } = start("http://collector:4317/v1/metrics");

    tell.exported({
      delivered: false,
      kind: "HPE_INVALID_CONSTANT",
      reason: "Parse Error: Expected HTTP/",
      mayHaveArrived: false,
    });

    expect(told[0]).toContain("(4317 is usually the gRPC port; OTLP over HTTP listens on 4318)");
  });
});

function start(url = "http://collector:4318/v1/metrics", secrets: string[] = []) {
  const told: string[] = [];
  const logger =
    (level: string) =>
    (message: string): void =>
      void told.push(`${level} ${message}`);
  const diag: DiagLogger = {
    error: logger("error"),
    warn: logger("warn"),
    info: logger("info"),
    debug: logger("debug"),
    verbose: logger("verbose"),
  };
  return { told, tell: createTeller({ name: "otlp", hints: {}, diag, url: new URL(url), secrets }) };
}
