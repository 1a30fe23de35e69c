import { MeterProvider as OfficialMeterProvider } from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MeterProvider } from "../src/index.ts";
import { type Program, randomDeltaProgram, randomProgram, run } from "./random-program.ts";

const numRuns = Number(process.env["METERBRIDGE_PROPERTY_RUNS"] ?? (process.env["CI"] === "true" ? 10_000 : 1000));
const timeout = 60_000 + numRuns * 20;

async function expectSameAsOfficial(program: Program): Promise<void> {
  const ours = await run(MeterProvider, program);
  const theirs = await run(OfficialMeterProvider, program);
  expect(ours).toEqual(theirs);
}

test(
  "whatever is recorded, viewed and collected, readers are shown what the official SDK shows them",
  { timeout },
  async () => {
    await fc.assert(fc.asyncProperty(randomProgram, expectSameAsOfficial), { numRuns });
  },
);

test("a delta reader is shown the same, whatever its limit and whatever comes and goes", { timeout }, async () => {
  await fc.assert(fc.asyncProperty(randomDeltaProgram, expectSameAsOfficial), { numRuns });
});
