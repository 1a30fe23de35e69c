import { diag } from "@opentelemetry/api";
import { type DestinationStream, type Logger, pino } from "pino";
import { bindCleanly, cleanFields } from "./clean-children.ts";
import { createCleaner } from "./clean-values.ts";
import { flushInTime } from "./flush-in-time.ts";
import { lineParts } from "./line-fields.ts";
import { type LoggerOptions, settleLoggerOptions } from "./logger-options.ts";
import { inOneLine } from "./one-line.ts";
import { createOtelLines } from "./otel-lines.ts";
import { createTimestamp } from "./timestamp.ts";

/**
 * Makes a pino logger whose lines are JSON objects with `timestamp` (ISO 8601), `level` (a word), `logger`, `message`, and, where they
 * are known, `request_id`, `tenant`, `user_id`, `project_id`, `employee`, `trace_id`, `span_id` and `exception`. Secrets are cut out,
 * fields have bounds, a line stays a line. It never throws: what cannot be written is told once on `diag`. Where a logger provider of
 * OpenTelemetry is registered, each line is a log record, too.
 *
 * `logger.child({ module: "billing" })` puts fields on every line of a part. A field whose name is taken gets an underscore behind.
 *
 * @throws Error of one line when an option is wrong.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { name, level, redact, destination, longestText, ...settled } = settleLoggerOptions(options);
  const cleaner = createCleaner({ redact, longestText });
  const otel = createOtelLines(name);
  const fail = createFailureReport();
  const stream = streamFor(destination, fail);
  const logger = pino(
    {
      level,
      base: null,
      messageKey: "message",
      errorKey: "exception",
      timestamp: createTimestamp(),
      formatters: { level: (label) => ({ level: label }) },
      serializers: {
        message: (message: unknown) => (typeof message === "string" ? cleaner.text(message) : message),
        // pino's own would take apart once more what is clean already.
        err: (error: unknown) => error,
      },
      hooks: {
        // What pino's own mixin cannot do: see the message, clean what is put into it, and catch what the application's objects throw.
        logMethod(given, write) {
          try {
            const { fields, message, parameters } = lineParts(this, given, cleaner);
            if (parameters === undefined) write.call(this, fields, message);
            else write.call(this, fields, message, ...parameters);
          } catch (error) {
            fail(error);
          }
        },
        streamWrite(written) {
          const line = inOneLine(written);
          otel.emit(line);
          return line;
        },
      },
    },
    stream,
  );
  // A stream whose errors nobody hears ends the process, and a full disk must not.
  if ("on" in stream && typeof stream.on === "function") {
    stream.on("error", fail);
    stream.on("drop", () => fail(new Error("the destination takes none, and too many wait for it")));
  }
  bindCleanly(logger, { logger: name, ...cleanFields(settled.fields, cleaner) }, cleaner);
  return logger;
}

function streamFor(destination: LoggerOptions["destination"], fail: (error: unknown) => void): DestinationStream {
  if (typeof destination === "object") return destination;
  // Lines are kept while the system takes none, up to that many characters.
  const options = { maxLength: 64 * 1024 * 1024 };
  const stream = pino.destination(destination === undefined ? options : { ...options, dest: destination, mkdir: true });
  flushInTime(stream, destination, fail);
  return stream;
}

function createFailureReport(): (error: unknown) => void {
  let told = false;
  return (error) => {
    if (told) return;
    told = true;
    try {
      const reason = error instanceof Error ? error.message : String(error);
      diag.warn(`[meterbridge] [http] lines of the log cannot be written and are lost (told once): ${reason}`);
    } catch {
      // Nobody is left to tell.
    }
  };
}
