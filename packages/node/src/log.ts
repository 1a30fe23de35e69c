import { type DiagLogger, DiagLogLevel, diag } from "@opentelemetry/api";
import type { LogLevel } from "./environment-variables.ts";
import { printLine, showsStatus } from "./print-line.ts";
import { registeredApi } from "./registered-api.ts";

/** Where this package tells its own news and hands exporters a place to tell theirs. */
export interface Log {
  readonly logger: DiagLogger;
  /** Tells the one line that sums up a start. */
  status(line: string): void;
  /** Takes back the global logger, if this installed one. */
  uninstall(): void;
}

/**
 * Makes trouble visible: where no diag logger is set, one is, that prints to stderr, a line each. A logger that the
 * application has set stays in force.
 */
export function installLog(level: LogLevel, ownLogger: DiagLogger | undefined): Log {
  const settings = { logLevel: LOG_LEVELS[level], suppressOverrideMessage: true };
  const keepsAnother = ownLogger === undefined && registeredApi()?.diag !== undefined;
  const installed = !keepsAnother && diag.setLogger(ownLogger ?? stderrLogger, settings);
  return {
    // Where another version of the API holds the global, diag is deaf: then print by ourselves.
    logger: installed || keepsAnother ? diag : limited(ownLogger ?? stderrLogger, LOG_LEVELS[level]),
    status(line) {
      if (ownLogger) ownLogger.info(line);
      else if (showsStatus(level)) printLine(line);
    },
    uninstall() {
      if (installed) diag.disable();
    },
  };
}

/** A logger that puts the exporter's name before what the exporter tells. */
export function loggerNamed(name: string, logger: DiagLogger): DiagLogger {
  return {
    error: (message, ...rest) => logger.error(named(name, message), ...rest),
    warn: (message, ...rest) => logger.warn(named(name, message), ...rest),
    info: (message, ...rest) => logger.info(named(name, message), ...rest),
    debug: (message, ...rest) => logger.debug(named(name, message), ...rest),
    verbose: (message, ...rest) => logger.verbose(named(name, message), ...rest),
  };
}

const LOG_LEVELS: Readonly<Record<LogLevel, DiagLogLevel>> = {
  none: DiagLogLevel.NONE,
  error: DiagLogLevel.ERROR,
  warn: DiagLogLevel.WARN,
  info: DiagLogLevel.INFO,
  debug: DiagLogLevel.DEBUG,
  verbose: DiagLogLevel.VERBOSE,
  all: DiagLogLevel.ALL,
};

const stderrLogger: DiagLogger = {
  error: printLine,
  warn: printLine,
  info: printLine,
  debug: printLine,
  verbose: printLine,
};

function limited(logger: DiagLogger, level: DiagLogLevel): DiagLogger {
  const from = (needed: DiagLogLevel, log: DiagLogger["warn"]): DiagLogger["warn"] =>
    level >= needed ? log : () => {};
  return {
    error: from(DiagLogLevel.ERROR, (...parts) => logger.error(...parts)),
    warn: from(DiagLogLevel.WARN, (...parts) => logger.warn(...parts)),
    info: from(DiagLogLevel.INFO, (...parts) => logger.info(...parts)),
    debug: from(DiagLogLevel.DEBUG, (...parts) => logger.debug(...parts)),
    verbose: from(DiagLogLevel.VERBOSE, (...parts) => logger.verbose(...parts)),
  };
}

function named(name: string, message: string): string {
  const tag = `[${name}]`;
  return message.includes(tag) ? message : `${tag} ${message}`;
}
