import { MeterProvider as OfficialMeterProvider } from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MeterProvider } from "../src/index.ts";
import { randomProgram, run } from "./random-program.ts";

const numRuns = Number(process.env["METERBRIDGE_PROPERTY_RUNS"] ?? 1000);

test(
  "whatever is recorded, viewed and collected, readers are shown what the official SDK shows them",
  { timeout: 30_000 + numRuns * 20 },
  async () => {
    await fc.assert(
      fc.asyncProperty(randomProgram, async (program) => {
        const ours = await run(MeterProvider, program);
        const theirs = await run(OfficialMeterProvider, program);
        expect(ours).toEqual(theirs);
      }),
      { numRuns },
    );
  },
);
