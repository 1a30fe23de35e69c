import fastCheck from "fast-check";
import { describe, expect, test } from "vitest";
import { keepLines } from "./support/kept-lines.ts";

describe("secrets", () => {
  test("are no part of a line, at any depth, under any spelling, in texts, errors and children", () => {
    const { logger, written } = keepLines({ redact: ["IBAN", /\bcanary\d+\b/] });
    const secret = "canary-secret";
    const child = logger.child({ apiKey: secret, nested: { "set-cookie": [secret] } });
    child.info({
      password: secret,
      PASSWORD: secret,
      userPassword: secret,
      pass_phrase: secret,
      "x-api-key": secret,
      headers: { Authorization: `Bearer ${secret}`, cookie: { a: secret } },
      a: { b: { c: { d: { client_secret: secret } } } },
      list: [{ accessToken: secret }, new Map([["refresh_token", secret]])],
      pin: { token: 12, credentials: [secret], private_key: secret },
      iban: secret,
      own: "canary4711",
      url: new URL(`https://u:${secret}@host/path?x=${secret}`),
      buffer: Buffer.from(secret),
      request: new Request(`https://host/path?x=${secret}`, { headers: { authorization: secret } }),
      json: JSON.stringify({ password: secret }),
    });
    child.error(new Error(`connect redis://:${secret}@host failed`, { cause: new Error(`token=${secret}`) }));
    child.warn("%j and %s and %o", { password: secret }, `api_key=${secret}`, { nested: { token: secret } });
    child.info(Object.assign(Object.create({ inherited: secret }), { session_token: secret }), "inherited");
    const clientError = Object.assign(new Error("401"), {
      config: { headers: { Authorization: secret } },
      code: "E401",
    });
    child.error({ err: clientError });
    expect(written).toHaveLength(5);
    for (const line of written) {
      expect(() => JSON.parse(line)).not.toThrow();
      expect(line).not.toMatch(/canary/i);
    }
    expect(JSON.parse(written[4] ?? "")).toMatchObject({ exception: { message: "401", code: "E401" } });
  });

  test("are not counts and prices of tokens, whose loss would blind who looks for cost", () => {
    const { logger, lines } = keepLines();
    logger.info({ prompt_tokens: 5, tokens: 7, cost_per_token: 0.001, token: "canary", is_secret: true });
    expect(lines()[0]).toMatchObject({
      prompt_tokens: 5,
      tokens: 7,
      cost_per_token: 0.001,
      token: "[Redacted]",
      is_secret: true,
    });
  });
});

describe("a line", () => {
  test("stays one line for every reader, whatever is in it", () => {
    const { logger, written, lines } = keepLines();
    const hostile = 'a\r\n{"level":"fatal"}\u0000\u001b[2J\u0085\u2028\u2029\u202e\u009b31m\ud800';
    logger.info({ [hostile]: hostile, nested: [hostile] }, hostile);
    logger.info("%s", hostile);
    for (const line of written) {
      // What Unicode, JavaScript, Python and terminals take for the end of a line or a command.
      expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u);
      expect(line.at(-1)).toBe("\n");
      expect(line.isWellFormed()).toBe(true);
    }
    expect(lines()[0]?.["message"]).toBe(hostile);
    expect(lines()[0]).toMatchObject({ [hostile]: hostile, nested: [hostile] });
  });

  test("parses, is one, and throws nothing, for any value that an application may log", () => {
    const { logger, untyped, written } = keepLines();
    fastCheck.assert(
      fastCheck.property(
        fastCheck.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withNullPrototype: true,
          withTypedArray: true,
          withUnicodeString: true,
        }),
        fastCheck.string({ unit: "binary" }),
        (value, text) => {
          const before = written.length;
          logger.info({ value }, text);
          logger.info(value as object);
          untyped(text, value);
          expect(written.length - before).toBe(3);
          for (const line of written.slice(before)) {
            expect(line.indexOf("\n")).toBe(line.length - 1);
            expect(JSON.parse(line)).toMatchObject({ logger: "api", level: "info" });
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("is written for objects that throw when they are read, and says so", () => {
    const { logger, untyped, lines } = keepLines();
    const hostile = {
      get broken(): never {
        throw new Error("no");
      },
      toJSON() {
        throw new Error("no");
      },
      [Symbol.toPrimitive]() {
        throw new Error("no");
      },
    };
    const proxy = new Proxy(
      {},
      {
        ownKeys() {
          throw new Error("no");
        },
        getPrototypeOf() {
          throw new Error("no");
        },
      },
    );
    const circular: Record<string, unknown> = { name: "a" };
    circular["self"] = circular;
    logger.info(hostile, "a");
    logger.info({ proxy, circular }, "b");
    logger.info(proxy, "c");
    untyped("d %s %d %j", hostile, hostile, proxy);
    expect(lines().map(({ message }) => String(message).slice(0, 1))).toEqual(["a", "b", "c", "d"]);
    expect(lines()[0]).toMatchObject({ broken: "[unreadable]" });
    expect(lines()[1]).toMatchObject({ proxy: "[unreadable]", circular: { name: "a", self: "[circular]" } });
  });

  test("has bounds: long texts are cut and say so, wide and deep objects lose their rest", () => {
    const { logger, written, lines } = keepLines();
    let deep: object = {};
    for (let depth = 0; depth < 100_000; depth++) deep = { deep };
    logger.info(
      {
        long: "x".repeat(1_000_000),
        wide: Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, "y".repeat(5000)])),
        list: Array.from({ length: 5000 }, () => ({ z: "z".repeat(5000) })),
        deep,
        end: true,
      },
      "m".repeat(1_000_000),
    );
    expect(written[0]?.length).toBeLessThan(120_000);
    expect(lines()[0]).toMatchObject({ long: expect.stringMatching(/^x{8192}… \(1000000 characters\)$/), end: true });
    expect(lines()[0]?.["message"]).toMatch(/^m{8192}… \(1000000 characters\)$/);
  });

  test("does not keep half of a secret that the cut goes through", () => {
    const { logger, written } = keepLines({ longestText: 100 });
    logger.info({ text: `${"x".repeat(60)} https://user:${"canary".repeat(20)}@host/` });
    expect(written[0]).not.toContain("canary");
  });

  test("changes nothing of what it was given", () => {
    const { logger } = keepLines();
    const given = Object.freeze({ password: "p", nested: Object.freeze({ token: "t" }) });
    logger.info(given);
    expect(given).toEqual({ password: "p", nested: { token: "t" } });
  });
});
