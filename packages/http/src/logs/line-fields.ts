import { currentAttribution } from "@meterbridge/core";
import { context, INVALID_TRACEID, trace } from "@opentelemetry/api";
import { currentRequest } from "../context/request-context.ts";
import { type BoundFields, boundFields, reserved } from "./clean-children.ts";
import { type Cleaner, type Room, roomForALine } from "./clean-values.ts";

/** What pino is given for one line. */
export interface LineParts {
  readonly fields: object;
  readonly message: string | undefined;
  /** For the message's placeholders. */
  readonly parameters: readonly unknown[];
}

/** Turns the arguments of `logger.info(…)` into clean fields beside those of the context. */
export function lineParts(logger: object, given: readonly unknown[], cleaner: Cleaner): LineParts {
  const bound = boundFields(logger);
  const fields = contextFields(bound);
  const room = roomForALine();
  const [first] = given;
  if (typeof first !== "object" || first === null) {
    // `null` goes before a message as an object without fields would.
    return { fields, ...textAndParameters(first === null ? given.slice(1) : given, fields, cleaner, room) };
  }
  const message =
    first instanceof Error ? addError(fields, first, cleaner, room) : addFields(fields, first, bound, cleaner, room);
  if (given.length === 1 || given[1] === undefined) return { fields, message, parameters: [] };
  if (message !== undefined && !(first instanceof Error) && "message" in first) fields["message_"] = message;
  return { fields, ...textAndParameters(given.slice(1), fields, cleaner, room) };
}

/** Fields that a line has from where it was written: the request, on whose behalf, the span. What is bound goes before. */
function contextFields(bound: BoundFields): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  const request = currentRequest();
  if (request !== undefined) put(fields, bound, "request_id", request.requestId);
  const active = currentAttribution();
  // Without a context manager the request alone knows.
  const attribution = active.tenant === undefined ? (request?.attribution ?? active) : active;
  put(fields, bound, "tenant", attribution.tenant);
  put(fields, bound, "user_id", attribution.user);
  put(fields, bound, "project_id", attribution.project);
  put(fields, bound, "employee", attribution.employee);
  const span = trace.getSpanContext(context.active());
  if (span !== undefined && span.traceId !== INVALID_TRACEID) {
    put(fields, bound, "trace_id", span.traceId);
    put(fields, bound, "span_id", span.spanId);
  }
  return fields;
}

function put(fields: Record<string, unknown>, bound: BoundFields, name: string, value: string | undefined): void {
  if (value !== undefined && bound[name] === undefined) fields[name] = value;
}

function addError(fields: Record<string, unknown>, error: Error, cleaner: Cleaner, room: Room): string | undefined {
  fields["exception"] = cleaner.value(error, room);
  return messageOf(fields["exception"]);
}

/** Adds the application's fields, and gives the message among them, if there is one. */
function addFields(
  fields: Record<string, unknown>,
  given: object,
  bound: BoundFields,
  cleaner: Cleaner,
  room: Room,
): string | undefined {
  let message: string | undefined;
  cleaner.each(given, room, (name, value, original) => {
    if (name === "message") message = typeof value === "string" ? value : JSON.stringify(value);
    // What other loggers call an error.
    else if ((name === "err" || name === "error") && original instanceof Error) fields["exception"] = value;
    else fields[reserved.has(name) || Object.hasOwn(bound, name) ? `${name}_` : name] = value;
  });
  return message ?? messageOf(fields["exception"]);
}

/** An error behind a text that has no place for it would be left out; it is the line's exception. */
function textAndParameters(
  [text, ...parameters]: readonly unknown[],
  fields: Record<string, unknown>,
  cleaner: Cleaner,
  room: Room,
): Pick<LineParts, "message" | "parameters"> {
  const message = text === undefined ? undefined : typeof text === "string" ? text : String(text);
  if (parameters.length === 0) return { message, parameters };
  const error = parameters.find((each) => each instanceof Error);
  if (error !== undefined && fields["exception"] === undefined) fields["exception"] = cleaner.value(error, room);
  // An error in a message is its text; pino would write an object.
  return {
    message,
    parameters: parameters.map((each) => (each instanceof Error ? String(each) : cleaner.value(each, room))),
  };
}

function messageOf(exception: unknown): string | undefined {
  const { message } = Object(exception) as { readonly message?: unknown };
  return typeof message === "string" ? message : undefined;
}
