import {
  addUsageSink,
  configure,
  llm,
  withAttribution,
  type AttributionLabel,
  type GenAiSemconv,
} from "@meterbridge/core";
import { context, diag, DiagLogLevel, metrics } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import fc from "fast-check";
import { afterEach, beforeEach, test, vi } from "vitest";
import { checkSums, createEra, kinds, type Era, type Kind } from "./support/call-era.ts";
import { expectedOf } from "./support/expected-sums.ts";
import { begin, call, shaped, step, type Shape } from "./support/random-calls.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: begin });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});

let removeSink = (): void => {};

afterEach(() => {
  removeSink();
  vi.useRealTimers();
  metrics.disable();
  context.disable();
  diag.disable();
  configure({
    priceBook: null,
    genaiSemconv: "dup",
    namespace: "",
    attributionLabels: ["tenant"],
    seriesLimit: 2000,
    seriesLimits: {},
    staleAfterSeconds: 900,
  });
});

const numRuns = Number(process.env["METERBRIDGE_PROPERTY_RUNS"] ?? 300);

test.each([2000, 40])(
  "with room for %i series model calls add up by hand and in every reader, whatever is called, configured and swapped between",
  { timeout: 60_000 + numRuns * 100 },
  async (seriesLimit) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { minLength: 6, maxLength: 6 }),
        fc.array(step, { maxLength: 60 }),
        fc.constantFrom(...kinds),
        fc.boolean(),
        async (calls, steps, first, isLogRecording) => {
          vi.setSystemTime(begin);
          removeSink();
          const eras: Era[] = [];
          let era: Era | undefined;
          let now = {
            namespace: "",
            attributionLabels: ["tenant"],
            genaiSemconv: "dup",
            book: "none",
            sink: "none",
          } as {
            namespace: string;
            attributionLabels: AttributionLabel[];
            genaiSemconv: GenAiSemconv;
            book: string;
            sink: string;
          };
          let attribution: Readonly<Record<string, unknown>> = {};
          let crowd = 0;
          let depth = 0;

          const nested = (): void => {
            if (depth > 0) return;
            depth++;
            record(
              {
                provider: "nested",
                model: "small",
                inputTokens: 3,
                outputTokens: 2,
                duration: 100,
                cacheReadTokens: 1,
              },
              "plain",
            );
            depth--;
          };
          const book = {
            name: "book",
            price: ({ model, inputTokens }: { model: unknown; inputTokens: number }): bigint | null => {
              if (now.book === "records") nested();
              if (now.book === "configures") configure({});
              return model === "unknown" ? null : BigInt(inputTokens) * 125_000_000n;
            },
          };
          function record(fields: Record<string, unknown>, shape: Shape): void {
            llm.record(shaped(fields, shape));
            const told = shape === "throwing" ? { ...fields, duration: undefined } : fields;
            for (const each of expectedOf(told, { ...now, attribution })) era?.expect(each);
          }
          function swap(to: Kind | "none" | "back"): void {
            metrics.disable();
            if (to === "none") {
              era = undefined;
              return;
            }
            era = to === "back" ? eras[0]! : createEra(to);
            if (!eras.includes(era)) eras.push(era);
            metrics.setGlobalMeterProvider(era.provider);
          }

          const told = (): void => {
            if (isLogRecording) nested();
          };
          const nothing = (): void => {};
          diag.setLogger(
            { error: told, warn: told, info: nothing, debug: nothing, verbose: nothing },
            { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
          );
          configure({
            seriesLimit,
            staleAfterSeconds: 300,
            priceBook: null,
            namespace: "",
            attributionLabels: ["tenant"],
            genaiSemconv: "dup",
          });
          swap(first);
          for (const each of steps) {
            if ("call" in each) {
              attribution = { tenant: each.tenant, project: each.project };
              for (let time = 0; time < each.times; time++) {
                withAttribution(attribution as { tenant: string }, () => record(calls[each.call]!, each.shape));
              }
              attribution = {};
            } else if ("crowd" in each) {
              for (let one = 0; one < each.crowd; one++) {
                attribution = { tenant: `tenant-${crowd++}` };
                withAttribution(attribution as { tenant: string }, () => record(calls[one % 2]!, "plain"));
              }
              attribution = {};
            } else if ("reader" in each) await era?.collect(each.reader);
            else if ("settings" in each) {
              now = each.settings;
              const { book: kind, sink, ...others } = now;
              removeSink();
              if (sink !== "none") removeSink = addUsageSink({ write: () => void (sink === "records" && nested()) });
              configure({ ...others, priceBook: kind === "none" ? null : book });
            } else if ("provider" in each) swap(each.provider);
            else {
              // Who does not come for 20 minutes is not waited for.
              if (each.seconds === 700) for (const one of eras) await one.collectAll();
              vi.setSystemTime(Date.now() + each.seconds * 1000);
              if (each.seconds > 1) for (const one of eras) await one.collect(0);
            }
          }
          vi.setSystemTime(Date.now() + 1);
          for (const each of eras) {
            await each.collectAll();
            const isCoarse = seriesLimit < 2000 || each.kind === "narrow";
            for (const { backend } of each.readers) checkSums(each, isCoarse, backend);
          }
        },
      ),
      { numRuns },
    );
  },
);
