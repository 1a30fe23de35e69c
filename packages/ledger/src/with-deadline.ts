import { ledgerError } from "./ledger-error.ts";

/** The promise's result, or an `unavailable` error after so many milliseconds; the promise then goes on unheard. */
export async function withDeadline<Value>(promise: Promise<Value>, milliseconds: number, what: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    // Holds the process while something is under way, and never longer.
    timer = setTimeout(
      () => reject(ledgerError("unavailable", `${what} took longer than ${milliseconds} ms`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    promise.catch(() => {});
  }
}
