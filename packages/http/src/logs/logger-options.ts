import type { DestinationStream } from "pino";
import * as v from "valibot";
import { checkOptions } from "../check-options.ts";

/** From the least to the most important; `silent` writes nothing. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

/** Options of `createLogger()`. None has an environment variable. */
export interface LoggerOptions {
  /** Who logs, the field `logger`: the service, or a part of it. */
  readonly name: string;
  /**
   * The least important level that is written.
   * @default "info"
   */
  readonly level?: LogLevel;
  /**
   * What is a secret beside what is known to be one: names of fields, at any depth, whatever their case and separators (`"iban"` is
   * `IBAN`, too), and expressions whose matches are cut out of every text.
   * @default []
   */
  readonly redact?: readonly (string | RegExp)[];
  /**
   * Where lines go: a path to append to, or whatever has `write(line)`, such as a stream or one of pino's transports.
   * @default stdout
   */
  readonly destination?: string | DestinationStream;
  /**
   * Fields of every line, such as `{ version: "1.2.0" }`.
   * @default {}
   */
  readonly fields?: Readonly<Record<string, unknown>>;
  /**
   * How many characters a text keeps; a longer one is cut, and says how long it was.
   * @default 8192
   */
  readonly longestText?: number;
}

/** The options with their defaults. */
export type SettledLoggerOptions = Required<Omit<LoggerOptions, "destination">> & Pick<LoggerOptions, "destination">;

/** @throws Error of one line, naming the option, what it must be, and what was found. */
export function settleLoggerOptions(options: LoggerOptions): SettledLoggerOptions {
  const { destination, ...settled } = checkOptions("createLogger()", schema, options);
  return { ...settled, ...(destination !== undefined && { destination }) };
}

const levels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
const secrets = "must be a list of names and regular expressions";
const characters = "must be a whole number of characters from 100 to 1000000";

const schema = v.strictObject({
  name: v.pipe(v.string("must be a text"), v.nonEmpty("must not be empty")),
  level: v.optional(v.picklist(levels, `must be one of ${levels.join(", ")}`), "info"),
  redact: v.optional(v.array(v.union([v.pipe(v.string(), v.nonEmpty()), v.instance(RegExp)], secrets), secrets), []),
  destination: v.optional(
    v.union(
      [v.pipe(v.string(), v.nonEmpty()), v.custom<DestinationStream>(hasWrite)],
      "must be a path or have write()",
    ),
  ),
  fields: v.optional(v.record(v.string(), v.unknown(), "must be an object"), {}),
  longestText: v.optional(
    v.pipe(v.number(characters), v.integer(characters), v.minValue(100, characters), v.maxValue(1_000_000, characters)),
    8192,
  ),
});

function hasWrite(value: unknown): boolean {
  return typeof value === "object" && value !== null && "write" in value && typeof value.write === "function";
}
