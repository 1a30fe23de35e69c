import { type ChildLoggerOptions, type Logger, symbols } from "pino";
import { type Cleaner, roomForALine } from "./clean-values.ts";

/** What a logger puts on each of its lines. */
export type BoundFields = Readonly<Record<string, unknown>>;

/** Written by the logger itself, so that nobody else's field may have the name. */
export const reserved: ReadonlySet<string> = new Set(["timestamp", "level", "logger", "message"]);

/** What the logger, or the one it is a child of, puts on each line. */
export function boundFields(logger: object): BoundFields {
  return (logger as Internal)[BOUND] ?? {};
}

/**
 * Has a logger and its children clean what they bind, and write each name once: pino would put a child's field behind its parent's of
 * the same name, and there are readers that refuse a line with a name twice.
 */
export function bindCleanly(logger: Logger, fields: BoundFields, cleaner: Cleaner): void {
  const { setBindings } = logger;
  const child: (this: Logger, bindings: object, options?: ChildLoggerOptions) => Logger = logger.child;

  function together(before: Logger, given: unknown): BoundFields {
    return { ...boundFields(before), ...cleanFields(given, cleaner) };
  }

  function rebind(to: Logger, bound: BoundFields): void {
    (to as Internal)[symbols.chindingsSym] = "";
    setBindings.call(to, bound);
    (to as Internal)[BOUND] = bound;
  }

  const cleanChild: typeof child = function (this: Logger, given, options) {
    const made = child.call(this, {}, options);
    rebind(made, together(this, given));
    return made;
  };
  // pino's type counts up the levels of children, of which this has nothing to say.
  Object.assign(logger, { child: cleanChild });
  logger.setBindings = function (this: Logger, given) {
    rebind(this, together(this, given));
  };
  rebind(logger, fields);
}

/** Fields for every line, cleaned once. */
export function cleanFields(fields: unknown, cleaner: Cleaner): BoundFields {
  if (typeof fields !== "object" || fields === null) return {};
  const clean = cleaner.value({ ...fields }, roomForALine());
  return Object.fromEntries(
    Object.entries(clean ?? {}).map(([name, value]) => [reserved.has(name) ? `${name}_` : name, value]),
  );
}

const BOUND: unique symbol = Symbol("meterbridge.bound");

type Internal = Logger & { [BOUND]?: BoundFields; [symbols.chindingsSym]?: string };
