import { describe, expect, it } from "vitest";
import type { HttpAnswer } from "./http-transport.ts";
import { parseRetryAfter, sendWithRetry } from "./send-with-retry.ts";

describe("Retry-After", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");

  it.each([
    ["2", 2000],
    ["Thu, 01 Jan 2026 00:00:05 GMT", 5000],
    ["soon", undefined],
    ["0", undefined],
    ["-5", undefined],
    ["", undefined],
    ["Wed, 31 Dec 2025 00:00:00 GMT", undefined],
    [undefined, undefined],
  ])("of %j means %j milliseconds, and an own pause where that is undefined", (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });
});

describe("sending", () => {
  it("is tried again after a pause when the backend is overloaded", async () => {
    const answers = [answer(503), answer(200)];
    const { outcome, attempts } = await send(answers, 5000);

    expect(outcome.delivered).toBe(true);
    expect(attempts).toHaveLength(2);
    expect((attempts[1] ?? 0) - (attempts[0] ?? 0)).toBeGreaterThan(700);
  });

  it("does not hammer a backend whose Retry-After is no time", async () => {
    const { attempts } = await send([answer(503, "soon"), answer(503, "soon"), answer(503, "soon")], 1500);

    expect(attempts.length).toBeLessThanOrEqual(2);
  });

  it("gives up at once when the backend asks for more time than there is", async () => {
    const { outcome, attempts } = await send([answer(503, "3600")], 2000);

    expect(attempts).toHaveLength(1);
    expect(outcome).toEqual({
      delivered: false,
      kind: "503",
      reason: "it answered 503 No luck, and asked to wait 3600 s",
      mayHaveArrived: false,
      retryAfterMillis: 3_600_000,
    });
  });

  it.each([400, 401, 404, 413, 500, 301])("is not tried again after %d, which says it will not do", async (status) => {
    const { attempts } = await send([answer(status)], 5000);

    expect(attempts).toHaveLength(1);
  });

  it("is not tried again when the connection can never work", async () => {
    const error = Object.assign(new Error("self-signed certificate"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    const { outcome, attempts } = await send([error], 5000);

    expect(attempts).toHaveLength(1);
    expect(outcome).toMatchObject({ kind: "DEPTH_ZERO_SELF_SIGNED_CERT", reason: "self-signed certificate" });
  });

  it("gives a reason even for an error without a message", async () => {
    const { outcome } = await send([Object.assign(new AggregateError([]), { code: "ECONNREFUSED" })], 500);

    expect(outcome).toMatchObject({ reason: "ECONNREFUSED" });
  });
});

/** Answers in turn; the moments of the attempts come back. */
async function send(answers: (HttpAnswer | Error)[], milliseconds: number) {
  const attempts: number[] = [];
  const post = async (): Promise<HttpAnswer> => {
    attempts.push(performance.now());
    const next = answers.shift();
    if (next === undefined) throw new Error("more attempts than answers");
    if (next instanceof Error) throw next;
    return next;
  };
  const outcome = await sendWithRetry(post, {
    signal: AbortSignal.timeout(milliseconds),
    deadline: performance.now() + milliseconds,
    onRetry: () => {},
  });
  return { outcome, attempts };
}

function answer(status: number, retryAfter?: string): HttpAnswer {
  return { status, statusText: "No luck", retryAfter, body: Buffer.alloc(0) };
}
