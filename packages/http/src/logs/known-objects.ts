import { types } from "node:util";

/** Whether it is an error, of whichever realm. Never throws, whatever a proxy does. */
export function isError(value: unknown): value is Error {
  if (typeof value !== "object" || value === null) return false;
  try {
    return value instanceof Error || types.isNativeError(value);
  } catch {
    return false;
  }
}

/** An error as a line tells it: what it is, not what hangs on it (clients' errors carry whole requests, headers included). */
export function exceptionOf(error: Error): object {
  const { name, message, stack, cause } = error;
  const { code } = error as { readonly code?: unknown };
  return {
    type: typeof name === "string" && name !== "" && name !== "Error" ? name : (error.constructor?.name ?? "Error"),
    message,
    stack,
    ...((typeof code === "string" || typeof code === "number") && { code }),
    ...(isError(cause) ? { cause } : undefined),
    ...(error instanceof AggregateError && Array.isArray(error.errors) && { errors: error.errors.slice(0, 10) }),
  };
}

/** An instance of a class as a line tells it, or undefined where its own fields tell it. */
export function instanceOf(instance: object): string | object | undefined {
  if (instance instanceof Date) return Number.isNaN(instance.getTime()) ? "Invalid Date" : instance.toISOString();
  if (instance instanceof URL || instance instanceof RegExp) return String(instance);
  if (ArrayBuffer.isView(instance) || instance instanceof ArrayBuffer) return `[${instance.byteLength} bytes]`;
  const { method, url, headers, statusCode, status, setHeader, toJSON } = instance as Readonly<Record<string, unknown>>;
  // Requests and responses: never their headers, queries and bodies.
  if (typeof headers === "object" && typeof method === "string") {
    return { method, url: typeof url === "string" ? (url.split(/[?#]/, 1)[0] ?? "") : undefined };
  }
  if (typeof setHeader === "function" && typeof statusCode === "number") return { status: statusCode };
  if (typeof headers === "object" && typeof status === "number") return { status };
  if (typeof toJSON === "function") {
    const told: unknown = toJSON.call(instance);
    return typeof told === "object" && told !== null && told !== instance ? { ...told } : String(told);
  }
  return undefined;
}
