import { currentAttribution } from "@meterbridge/core";
import { context, INVALID_TRACEID, trace } from "@opentelemetry/api";
import { currentRequest } from "../context/request-context.ts";
import { type BoundFields, boundFields, reserved } from "./clean-children.ts";
import { type Cleaner, type Room, roomForALine } from "./clean-values.ts";
import { isError } from "./known-objects.ts";

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
  const isAlone = given.length === 1 || given[1] === undefined;
  const message = isError(first)
    ? addError(fields, first, cleaner, room)
    : addFields(fields, first, { bound, isAlone, cleaner, room });
  return isAlone ? { fields, message } : withText(fields, given.slice(1), cleaner, room);
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

/** Adds the application's fields. Gives the message among them, where no text stands beside them. */
function addFields(
  fields: Record<string, unknown>,
  given: object,
  { bound, isAlone, cleaner, room }: { bound: BoundFields; isAlone: boolean; cleaner: Cleaner; room: Room },
): string | undefined {
  let message: string | undefined;
  cleaner.each(given, room, (name, value, original) => {
    if (isAlone && name === "message") message = textOf(value);
    // What other loggers call an error.
    else if ((name === "err" || name === "error") && isError(original)) fields["exception"] = value;
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
  const message = text === undefined || typeof text === "string" ? text : textOf(cleaner.value(text, room));
  if (parameters.length === 0) return { fields, message };
  const error = parameters.find(isError);
  if (error !== undefined && fields["exception"] === undefined) fields["exception"] = cleaner.value(error, room);
  const clean = parameters.map((each) => {
    const value = cleaner.value(each, room);
    // An error in a message is its text; pino would write an object.
    return isError(each) ? errorText(value) : value;
  });
  return { fields, message, parameters: clean };
}

function textOf(clean: unknown): string {
  return typeof clean === "string" ? clean : JSON.stringify(clean);
}

function errorText(exception: unknown): string {
  const { type, message } = Object(exception) as { readonly type?: unknown; readonly message?: unknown };
  return `${String(type)}: ${String(message)}`;
}

function messageOf(exception: unknown): string | undefined {
  const { message } = Object(exception) as { readonly message?: unknown };
  return typeof message === "string" ? message : undefined;
}
