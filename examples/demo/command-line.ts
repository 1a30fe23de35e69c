import { parseArgs } from "node:util";
import * as v from "valibot";

export interface DemoOptions {
  /** Ends by itself after so many seconds of traffic; undefined: runs until Ctrl-C. */
  readonly seconds?: number | undefined;
  /** Tickets per second. */
  readonly rate: number;
  readonly seed: number;
  /** A file for the last summary. */
  readonly json?: string | undefined;
}

export const help = `Usage: pnpm demo [--seconds N] [--rate N] [--seed N] [--json FILE]

A small AI service under synthetic traffic, with its meters on one screen.

  --seconds N   end after N seconds with a summary (default: run until Ctrl-C)
  --rate N      tickets per second (default 4)
  --seed N      seed of the traffic, so that two runs are alike (default 1)
  --json FILE   write the last summary to FILE, beside what the traffic sent
  --help        print this

Environment (handed to the service; its code names no backend):
  METERBRIDGE_EXPORTERS         default prometheus,otlp
  OTEL_EXPORTER_OTLP_ENDPOINT   a collector of yours (default: a small receiver inside the demo)
`;

/** The options, or one line that says what was wrong. */
export function readCommandLine(given: readonly string[]): DemoOptions | "help" | { readonly wrong: string } {
  try {
    const { values } = parseArgs({
      // `pnpm demo -- --seconds 8` hands the two dashes on.
      args: given.filter((argument, index) => index > 0 || argument !== "--"),
      options: {
        seconds: { type: "string" },
        rate: { type: "string" },
        seed: { type: "string" },
        json: { type: "string" },
        help: { type: "boolean" },
      },
    });
    if (values.help === true) return "help";
    const result = v.safeParse(optionsSchema, values);
    return result.success ? result.output : { wrong: result.issues[0].message };
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) };
  }
}

const optionsSchema = v.object({
  seconds: v.optional(numberOption("seconds", 1, 86_400)),
  rate: v.optional(numberOption("rate", 0.1, 200), "4"),
  seed: v.optional(numberOption("seed", 0, 2 ** 32 - 1), "1"),
  json: v.optional(v.pipe(v.string(), v.nonEmpty("--json needs a file name"))),
});

function numberOption(name: string, lowest: number, highest: number) {
  const allowed = `a number from ${lowest} to ${highest}`;
  return v.pipe(
    v.string(),
    v.check(
      (text) => text.trim() !== "" && Number(text) >= lowest && Number(text) <= highest,
      (issue) => `--${name} must be ${allowed}, found ${JSON.stringify(issue.input)}`,
    ),
    v.transform(Number),
  );
}
