import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import { expect, test } from "vitest";
import { keepingLogger } from "../test/support.ts";
import { watchedSpanExporter } from "./watched-span-exporter.ts";

const failed = (message: string): ExportResult => ({ code: ExportResultCode.FAILED, error: new Error(message) });
const succeeded: ExportResult = { code: ExportResultCode.SUCCESS };

function watch(answers: (ExportResult | "never")[], timeoutMillis = 1000) {
  const logger = keepingLogger();
  let abandoned = 0;
  const backend: SpanExporter = {
    export(_spans, done) {
      const answer = answers.shift();
      if (answer !== undefined && answer !== "never") done(answer);
    },
    shutdown: async () => {},
  };
  const exporter = watchedSpanExporter(backend, { logger, timeoutMillis, abandon: () => abandoned++ });
  const send = (count: number): Promise<ExportResult> => {
    const spans = Array.from({ length: count }, () => ({}) as ReadableSpan);
    return new Promise((resolve) => exporter.export(spans, resolve));
  };
  return { lines: logger.lines, send, abandoned: () => abandoned };
}

test("a collector that is down is told once, not at every batch, and its return says how many spans were lost", async () => {
  const { send, lines } = watch([failed("refused"), failed("refused"), failed("reset"), succeeded, succeeded]);
  for (const count of [2, 3, 1, 5, 5]) await send(count);
  expect(lines).toEqual([
    "warn: [traces] spans cannot be exported and are lost: refused",
    "warn: [traces] spans are exported again; 6 were lost",
  ]);
});

test("a collector that never answers is given up in time, and what is open to it is closed", async () => {
  const { send, lines, abandoned } = watch(["never"], 20);
  await send(1);
  expect(abandoned()).toBe(1);
  expect(lines).toEqual(["warn: [traces] spans cannot be exported and are lost: no answer within 20 ms"]);
});

test("a failure always has a reason, also when a name has two addresses and both refuse", async () => {
  const error = new AggregateError([new Error("refused ::1"), new Error("refused 127.0.0.1")]);
  const { send, lines } = watch([{ code: ExportResultCode.FAILED, error }]);
  await send(1);
  expect(lines).toEqual(["warn: [traces] spans cannot be exported and are lost: refused ::1, refused 127.0.0.1"]);
});
