import { writeSync } from "node:fs";
import { format } from "node:util";
import type { LogLevel } from "./environment-variables.ts";
import { withoutSecrets } from "./without-secrets.ts";

/** Writes one line to stderr, at once, whatever becomes of the process next. */
export function printLine(...parts: readonly unknown[]): void {
  const whole = format(...parts.map(withoutStack))
    .replaceAll(/\s*\n\s*/g, " ")
    .trim();
  // Searched further than it is shown: the beginning of a secret is not known for one.
  const text = withoutSecrets(whole.slice(0, 2 * LONGEST)).slice(0, LONGEST);
  const line = `${text.startsWith(PREFIX) ? text : `${PREFIX} ${text}`}\n`;
  try {
    writeSync(2, line);
  } catch (error) {
    // The pipe is full: the stream waits where the file descriptor cannot. After any other failure it would end the
    // process by an error event that nobody handles, and there is nobody left to tell.
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") process.stderr.write(line);
  }
}

/** Whether a start is told at this level: to whoever wants no more than errors it is noise. */
export function showsStatus(level: LogLevel): boolean {
  return level !== "none" && level !== "error";
}

const PREFIX = "[meterbridge]";
/** A pipe takes this much in one write also when its reader is slow; what is longer is no message. */
const LONGEST = 4000;

/** OpenTelemetry logs `error.stack`; a line on stderr has no room for it. */
function withoutStack(part: unknown): unknown {
  if (part instanceof Error) return part.message;
  return typeof part === "string" ? part.replace(/\n\s+at [^]*$/, "") : part;
}
