import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { withAttribution } from "@meterbridge/core";
import { context, diag, trace, TraceFlags } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import fastCheck from "fast-check";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { runInRequest } from "../src/context/request-context.ts";
import { createLogger, type LoggerOptions } from "../src/logs.ts";

beforeEach(() => void context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
afterEach(() => context.disable());

function keep(options: Partial<LoggerOptions> = {}) {
  const written: string[] = [];
  const logger = createLogger({ name: "api", destination: { write: (line) => void written.push(line) }, ...options });
  // Applications that are not typed hand over anything.
  const untyped: (...given: readonly unknown[]) => void = logger.info.bind(logger);
  return {
    logger,
    untyped,
    written,
    lines: () => written.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>),
  };
}

describe("the fields of a line (REQUIREMENTS D: JSON logs)", () => {
  test("are timestamp, level, logger, module, message, request, tenant, user, project, trace and exception", () => {
    const { logger, lines } = keep();
    const billing = logger.child({ module: "billing" });
    const span = {
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      traceFlags: TraceFlags.SAMPLED,
    };
    runInRequest({ requestId: "r-1" }, () =>
      withAttribution({ tenant: "acme", user: "u-9", project: "p-1", employee: "e-7" }, () =>
        context.with(trace.setSpanContext(context.active(), span), () =>
          billing.error(new TypeError("no such invoice"), "the invoice failed"),
        ),
      ),
    );
    expect(lines()).toEqual([
      {
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        level: "error",
        logger: "api",
        module: "billing",
        message: "the invoice failed",
        request_id: "r-1",
        tenant: "acme",
        user_id: "u-9",
        project_id: "p-1",
        employee: "e-7",
        trace_id: span.traceId,
        span_id: span.spanId,
        exception: { type: "TypeError", message: "no such invoice", stack: expect.stringContaining("logs.test.ts") },
      },
    ]);
    expect(Math.abs(Date.parse(String(lines()[0]?.["timestamp"])) - Date.now())).toBeLessThan(5000);
  });

  test("say on whose behalf a request is also where no context manager is registered", () => {
    context.disable();
    const { logger, lines } = keep();
    runInRequest({ requestId: "r-1", attribution: { tenant: "acme" } }, () => logger.info("hello"));
    expect(lines()[0]).toMatchObject({ request_id: "r-1", tenant: "acme" });
  });

  test("are those of the nearest child, each once, since there are readers that refuse a line with a name twice", () => {
    const { logger, written, lines } = keep({ fields: { version: "1.2.0", level: "not this one" } });
    const child = logger
      .child({ module: "billing", tenant: "bound" })
      .child({ module: "invoices" }, { level: "debug" });
    runInRequest({ requestId: "r", attribution: { tenant: "of the request" } }, () =>
      child.debug({ module: "own", logger: "own", timestamp: 1, message: "own" }, "text"),
    );
    expect(lines()[0]).toMatchObject({
      level: "debug",
      level_: "not this one",
      version: "1.2.0",
      module: "invoices",
      module_: "own",
      tenant: "bound",
      logger: "api",
      logger_: "own",
      timestamp_: 1,
      message: "text",
      message_: "own",
    });
    for (const name of ["module", "tenant", "level", "message", "logger", "timestamp"]) {
      expect(written[0]?.split(`"${name}":`), name).toHaveLength(2);
    }
  });

  test("hold the exception, wherever the application has put its error", () => {
    const { logger, untyped, lines } = keep();
    const error = new Error("outer", { cause: new RangeError("inner") });
    logger.error(error);
    logger.error({ err: error });
    logger.error({ error }, "with a text");
    untyped("behind a text", error);
    untyped("in a text: %s", error);
    const exception = { type: "Error", message: "outer", cause: { type: "RangeError", message: "inner" } };
    for (const line of lines()) expect(line).toMatchObject({ exception });
    expect(lines().map(({ message }) => message)).toEqual([
      "outer",
      "outer",
      "with a text",
      "behind a text",
      "in a text: Error: outer",
    ]);
  });

  test("come in the levels of the options", () => {
    const { logger, lines } = keep({ level: "warn" });
    for (const level of ["trace", "debug", "info", "warn", "error", "fatal"] as const) logger[level](level);
    expect(lines().map(({ level }) => level)).toEqual(["warn", "error", "fatal"]);
  });
});

describe("secrets", () => {
  test("are no part of a line, at any depth, under any spelling, in texts, errors and children", () => {
    const { logger, written } = keep({ redact: ["IBAN", /\bcanary\d+\b/] });
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
    const { logger, lines } = keep();
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
    const { logger, written, lines } = keep();
    const hostile = 'a\r\n{"level":"fatal"}\u0000\u001b[2J\u0085\u2028\u2029\u202e\u009b31m\ud800';
    logger.info({ [hostile]: hostile, nested: [hostile] }, hostile);
    logger.info("%s", hostile);
    for (const line of written) {
      // What Unicode, JavaScript, Python and terminals take for the end of a line or a command.
      expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u0080-\u009f\u2028\u2029\u202e]/);
      expect(line.at(-1)).toBe("\n");
    }
    expect(lines()[0]?.["message"]).toBe(hostile);
    expect(lines()[0]).toMatchObject({ [hostile]: hostile, nested: [hostile] });
  });

  test("parses, is one, and throws nothing, for any value that an application may log", () => {
    const { logger, untyped, written } = keep();
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
    const { logger, untyped, lines } = keep();
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
    const { logger, written, lines } = keep();
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
    const { logger, written } = keep({ longestText: 100 });
    logger.info({ text: `${"x".repeat(60)} https://user:${"canary".repeat(20)}@host/` });
    expect(written[0]).not.toContain("canary");
  });

  test("changes nothing of what it was given", () => {
    const { logger } = keep();
    const given = Object.freeze({ password: "p", nested: Object.freeze({ token: "t" }) });
    logger.info(given);
    expect(given).toEqual({ password: "p", nested: { token: "t" } });
  });
});

describe("a logger", () => {
  test("that cannot write tells it once, and never throws into the application", () => {
    const told = listenToDiag();
    const { logger } = keep({
      destination: {
        write() {
          throw new Error("ENOSPC: no space left on device");
        },
      },
    });
    for (let line = 0; line < 3; line++) expect(() => logger.info({ line }, "hello")).not.toThrow();
    expect(told).toEqual([expect.stringContaining("ENOSPC: no space left on device")]);
    expect(told[0]).toMatch(
      /^\[meterbridge\] \[http\] lines of the log cannot be written and are lost \(told once\): /,
    );
  });

  test("whose file cannot be written, as on a full disk, does not end the process", async () => {
    const told = listenToDiag();
    const { logger } = keep({ destination: "/dev/full" });
    logger.info("hello");
    await until(() => told.length > 0, "the message");
    logger.info("again");
    expect(told).toEqual([expect.stringContaining("ENOSPC")]);
  });

  test("appends to the file of its options, and makes the directory", async () => {
    const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-logs-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const file = path.join(directory, "app/api.log");
    const logger = createLogger({ name: "api", destination: file });
    logger.info("hello");
    await until(() => readFileSync(file, "utf8").includes("hello"), "the line");
  });

  test.each([
    [{ name: "" }, `option "name" must not be empty, found ""`],
    [{}, `option "name"`],
    [
      { name: "a", level: "loud" },
      `option "level" must be one of trace, debug, info, warn, error, fatal, silent, found "loud"`,
    ],
    [
      { name: "a", redact: "password" },
      `option "redact" must be a list of names and regular expressions, found "password"`,
    ],
    [{ name: "a", destination: 5 }, `option "destination" must be a path or have write(), found 5`],
    [
      { name: "a", longestText: 5 },
      `option "longestText" must be a whole number of characters from 100 to 1000000, found 5`,
    ],
    [{ name: "a", redakt: [] }, `option "redakt" is unknown`],
  ])("with the options %j is refused where it is made", (options, message) => {
    expect(() => createLogger(options as LoggerOptions)).toThrow(`[meterbridge] [http] createLogger(): ${message}`);
  });
});

function listenToDiag(): string[] {
  const told: string[] = [];
  const tell = (message: string): void => void told.push(message);
  diag.setLogger({ error: tell, warn: tell, info: tell, debug() {}, verbose() {} }, { suppressOverrideMessage: true });
  onTestFinished(() => diag.disable());
  return told;
}
