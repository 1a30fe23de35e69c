import { errorTypeOf } from "@meterbridge/core";

/**
 * What kind of error a database or its client gave, for `error.type`: the database's own code (an SQLSTATE, `ER_DUP_ENTRY`,
 * `WRONGTYPE`, `11000`) where there is one, else the error's class. Never its message, which may hold values.
 */
export function databaseErrorType(system: string, error: unknown): string {
  try {
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (typeof code === "string" && identifier.test(code)) return code;
    if (typeof code === "number" && Number.isInteger(code)) return String(code);
    // Redis has no codes: an error's message begins with its kind.
    const kind = system === "redis" ? replyKind.exec(String(message))?.[1] : undefined;
    return kind ?? errorTypeOf(error);
  } catch {
    return errorTypeOf(error);
  }
}

const identifier = /^\w{1,64}$/;
const replyKind = /^([A-Z]{3,32}) /;
