import {
  AggregationTemporality as TheirTemporality,
  AggregationType as TheirAggregation,
  DataPointType as TheirPointType,
  InstrumentType as TheirInstrument,
} from "@opentelemetry/sdk-metrics";
import { expect, test } from "vitest";
import { AggregationTemporality, AggregationType, DataPointType, InstrumentType } from "./official-enums.ts";

test.each([
  ["InstrumentType", InstrumentType, TheirInstrument],
  ["AggregationTemporality", AggregationTemporality, TheirTemporality],
  ["AggregationType", AggregationType, TheirAggregation],
  ["DataPointType", DataPointType, TheirPointType],
])("%s has the values of the official SDK, so that its readers understand ours", (_, ours, theirs) => {
  // An enum of numbers also names them the other way round.
  expect(Object.entries(ours)).toEqual(Object.entries(theirs).filter(([key]) => Number.isNaN(Number(key))));
});
