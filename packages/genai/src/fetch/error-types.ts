import { errorTypeOf } from "@meterbridge/core";

/** The code of what went wrong on the line (`ECONNRESET`), which `fetch` hides beneath an error of its own; never a message. */
export function networkErrorType(error: unknown): string {
  try {
    let cause: unknown = error;
    for (let depth = 0; depth < 5 && typeof cause === "object" && cause !== null; depth += 1) {
      const { code, cause: next } = cause as { code?: unknown; cause?: unknown };
      if (typeof code === "string" && /^[A-Z][A-Z0-9_]{1,63}$/.test(code)) return code;
      cause = next;
    }
  } catch {
    // An error whose properties throw.
  }
  return errorTypeOf(error);
}
