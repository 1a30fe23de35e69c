import * as api from "@opentelemetry/api";

/** Hands written lines to OpenTelemetry's logs, where a logger provider is registered. */
export interface OtelLines {
  /** The line as it was written, so that nothing goes there that was cut out here. Never throws. */
  emit(line: string): void;
}

/** Lines of the logger `name`, which is the instrumentation scope of its records. */
export function createOtelLines(name: string): OtelLines {
  // Since 1.10 of the API; with an older one there is nobody to hand anything to.
  const logs = (api as Partial<Pick<typeof api, "logs">>).logs;
  if (logs === undefined) return { emit() {} };
  let provider: api.LoggerProvider | undefined;
  let logger: api.Logger | undefined;
  return {
    emit(line) {
      try {
        const registered = logs.getLoggerProvider();
        if (registered !== provider || logger === undefined) {
          provider = registered;
          logger = registered.getLogger(name);
        }
        if (logger.enabled()) logger.emit(recordOf(line));
      } catch {
        // The line is written; a provider that throws must not keep it from there.
      }
    },
  };
}

function severityOf(level: string): api.SeverityNumber {
  const { SeverityNumber } = api;
  const severities: Readonly<Record<string, api.SeverityNumber>> = {
    trace: SeverityNumber.TRACE,
    debug: SeverityNumber.DEBUG,
    info: SeverityNumber.INFO,
    warn: SeverityNumber.WARN,
    error: SeverityNumber.ERROR,
    fatal: SeverityNumber.FATAL,
  };
  return severities[level] ?? SeverityNumber.UNSPECIFIED;
}

/** The trace context is that of where the line is written, which the SDK takes by itself. */
function recordOf(line: string): api.LogRecord {
  const {
    timestamp,
    level,
    message,
    exception,
    trace_id: _trace,
    span_id: _span,
    ...attributes
  }: Line = JSON.parse(line);
  return {
    timestamp: new Date(timestamp),
    severityNumber: severityOf(level),
    severityText: level,
    ...(message !== undefined && { body: message }),
    attributes: { ...attributes, ...exceptionAttributes(exception) },
  };
}

/** By the names of the conventions (exception attributes). */
function exceptionAttributes(exception: Line["exception"]): api.Attributes {
  if (typeof exception !== "object" || exception === null) return {};
  const { type, message, stack } = exception;
  return { "exception.type": type, "exception.message": message, "exception.stacktrace": stack };
}

interface Line {
  readonly timestamp: string;
  readonly level: string;
  readonly message?: string;
  readonly exception?: { readonly type?: string; readonly message?: string; readonly stack?: string } | null;
  readonly trace_id?: string;
  readonly span_id?: string;
  readonly [name: string]: unknown;
}
