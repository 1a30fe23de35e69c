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
  readonly parameters?: readonly unknown[];
}

/** Turns the arguments of `logger.info(…)` into clean fields beside those of the context. */
export function lineParts(logger: object, given: readonly unknown[], cleaner: Cleaner): LineParts {
  const bound = boundFields(logger);
  const fields = contextFields(bound);
  const room = roomForALine();
  const [first] = given;
  if (typeof first !== "object" || first === null) {
    // `null` goes before a message as an object without fields would.
    return withText(fields, first === null ? given.slice(1) : given, cleaner, room);
  }
  const message =
    first instanceof Error ? addError(fields, first, cleaner, room) : addFields(fields, first, bound, cleaner, room);
  if (given.length === 1 || given[1] === undefined) return { fields, message };
  if (message !== undefined && !(first instanceof Error) && "message" in first) fields["message_"] = message;
  return withText(fields, given.slice(1), cleaner, room);
}

/**
 * Fields that a line has from where it was written: the request, on whose behalf, the span. What is not known is undefined, and not
 * written; all in one literal, which is several times faster than adding one by one.
 */
function contextFields(bound: BoundFields): Record<string, unknown> {
  const request = currentRequest();
  const active = currentAttribution();
  // Without a context manager the request alone knows.
  const { tenant, user, project, employee } = active.tenant === undefined ? (request?.attribution ?? active) : active;
  const span = trace.getSpanContext(context.active());
  const isTraced = span !== undefined && span.traceId !== INVALID_TRACEID;
  const fields: Record<string, unknown> = {
    request_id: request?.requestId,
    tenant,
    user_id: user,
    project_id: project,
    employee,
    trace_id: isTraced ? span.traceId : undefined,
    span_id: isTraced ? span.spanId : undefined,
  };
  // What is bound to the logger goes before, and is written already.
  for (const name in bound) if (name in fields) fields[name] = undefined;
  return fields;
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
function withText(
  fields: Record<string, unknown>,
  [text, ...parameters]: readonly unknown[],
  cleaner: Cleaner,
  room: Room,
): LineParts {
  const message = text === undefined || typeof text === "string" ? text : String(text);
  if (parameters.length === 0) return { fields, message };
  const error = parameters.find((each) => each instanceof Error);
  if (error !== undefined && fields["exception"] === undefined) fields["exception"] = cleaner.value(error, room);
  // An error in a message is its text; pino would write an object.
  const clean = parameters.map((each) => (each instanceof Error ? String(each) : cleaner.value(each, room)));
  return { fields, message, parameters: clean };
}

function messageOf(exception: unknown): string | undefined {
  const { message } = Object(exception) as { readonly message?: unknown };
  return typeof message === "string" ? message : undefined;
}
