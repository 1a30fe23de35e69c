/**
 * A low-cardinality name for what went wrong, as `error.type` asks (semantic-conventions, general attributes): the error's class,
 * its code where it has one, else the thrown text is not used: it would make a series per message.
 */
export function errorTypeOf(error: unknown): string {
  try {
    if (error === null || typeof error !== "object") return typeof error === "string" ? "string" : "unknown";
    const { code, name } = error as { code?: unknown; name?: unknown };
    const className: unknown = error.constructor?.name;
    if (typeof className === "string" && !tooGeneral.has(className)) return className.slice(0, 64);
    if (typeof code === "string" && code.length <= 64) return code;
    return typeof name === "string" && name !== "" ? name.slice(0, 64) : "Error";
  } catch {
    return "unknown";
  }
}

/** Classes that say less than the error's code or name: a `DOMException` is an abort or a timeout by its name. */
const tooGeneral: ReadonlySet<string> = new Set(["Error", "Object", "DOMException", ""]);
