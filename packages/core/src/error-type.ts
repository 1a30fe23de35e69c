/**
 * A low-cardinality name for what went wrong, as `error.type` asks (semantic-conventions, general attributes): the error's class,
 * its code where it has one, else the thrown text is not used: it would make a series per message.
 */
export function errorTypeOf(error: unknown): string {
  try {
    if (error === null || typeof error !== "object") return typeof error === "string" ? "string" : "unknown";
    const { code, name } = error as { code?: unknown; name?: unknown };
    const className = error.constructor?.name;
    if (className !== undefined && className !== "Error" && className !== "Object" && className !== "") return className;
    if (typeof code === "string" && code.length <= 64) return code;
    return typeof name === "string" && name !== "" ? name.slice(0, 64) : "Error";
  } catch {
    return "unknown";
  }
}
