import { Server } from "node:net";
import * as v from "valibot";
import { aFunction, checkOptions, milliseconds } from "../check-options.ts";
import type { ShutdownOptions } from "./orderly-shutdown.ts";
import type { Step } from "./steps.ts";

/** Throws an Error of one line when an option is wrong. */
export function checkShutdownOptions(options: ShutdownOptions): void {
  checkOptions("orderlyShutdown", schema, options);
  const { drainDelayMillis = 0, timeoutMillis = 9000 } = options;
  if (drainDelayMillis > timeoutMillis - leastMillis) {
    throw new Error(
      `[meterbridge] [http] orderlyShutdown: option "drainDelayMillis" is part of "timeoutMillis" and must leave ` +
        `${leastMillis} of its ${timeoutMillis} ms to what comes after, found ${drainDelayMillis}`,
    );
  }
}

/** What requests, closing and flushing get at the least. */
const leastMillis = 100;

const stepsMessage = "must be a list of functions";
const steps = v.optional(v.array(aFunction<Step>(), stepsMessage));
const signalsMessage = "must be a list of signals, such as SIGTERM";

const schema = v.strictObject({
  servers: v.array(v.instance(Server, "must be a server of Node.js"), "must be a list of servers of Node.js"),
  health: v.optional(v.looseObject({ draining: aFunction<() => void>() }, "must be what health() gives")),
  timeoutMillis: v.optional(milliseconds(leastMillis)),
  drainDelayMillis: v.optional(milliseconds(0)),
  stop: steps,
  close: steps,
  closeLast: steps,
  sdk: v.optional(v.looseObject({ shutdown: aFunction<() => unknown>() }, "must be what start() gives")),
  signals: v.optional(
    v.array(v.pipe(v.string(signalsMessage), v.regex(/^SIG[A-Z0-9]+$/, signalsMessage)), signalsMessage),
  ),
});
