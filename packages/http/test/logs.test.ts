import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { withAttribution } from "@meterbridge/core";
import { context, diag, trace, TraceFlags } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { runInRequest } from "../src/context/request-context.ts";
import { createLogger, type LoggerOptions } from "../src/logs.ts";
import { keepLines } from "./support/kept-lines.ts";

beforeEach(() => void context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
afterEach(() => context.disable());

describe("the fields of a line (REQUIREMENTS D: JSON logs)", () => {
  test("are timestamp, level, logger, module, message, request, tenant, user, project, trace and exception", () => {
    const { logger, lines } = keepLines();
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
    const { logger, lines } = keepLines();
    runInRequest({ requestId: "r-1", attribution: { tenant: "acme" } }, () => logger.info("hello"));
    expect(lines()[0]).toMatchObject({ request_id: "r-1", tenant: "acme" });
  });

  test("are those of the nearest child, each once, since there are readers that refuse a line with a name twice", () => {
    const { logger, written, lines } = keepLines({ fields: { version: "1.2.0", level: "not this one" } });
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
    const { logger, untyped, lines } = keepLines();
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
    const { logger, lines } = keepLines({ level: "warn" });
    for (const level of ["trace", "debug", "info", "warn", "error", "fatal"] as const) logger[level](level);
    expect(lines().map(({ level }) => level)).toEqual(["warn", "error", "fatal"]);
  });
});

describe("a logger", () => {
  test("that cannot write tells it once, and never throws into the application", () => {
    const told = listenToDiag();
    const { logger } = keepLines({
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
    const { logger } = keepLines({ destination: "/dev/full" });
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
