import {
  AggregationTemporality,
  AggregationType,
  type CollectionResult,
  MeterProvider,
  MetricReader,
} from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createAcknowledgedDeltas } from "../src/acknowledged-deltas.ts";
import type { HttpAnswer } from "../src/http-transport.ts";
import { createPushExporter } from "../src/push-exporter.ts";
import { createSerialiser } from "../src/serialiser.ts";

/** What can become of a request: whether the backend takes it, and what the sender hears of that. */
const fates = {
  taken: { takes: true, answer: 200 },
  "taken, then the line breaks": { takes: true, answer: "ECONNRESET" },
  "lost on the way": { takes: false, answer: "ECONNRESET" },
  "taken, and nobody answers": { takes: true, answer: "silence" },
  "never seen, and nobody answers": { takes: false, answer: "silence" },
  "taken, and the proxy answers for it": { takes: true, answer: 504 },
  "the backend is away": { takes: false, answer: "ECONNREFUSED" },
  overloaded: { takes: false, answer: 503 },
  "overloaded, with a pause": { takes: false, answer: 429 },
  "a fault of the backend": { takes: false, answer: 500 },
  refused: { takes: false, answer: 400 },
  "too large": { takes: false, answer: 413 },
} as const;

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ add: fc.integer({ min: 1, max: 9 }), model: fc.constantFrom("a", "b", "c") }) },
  { weight: 2, arbitrary: fc.record({ exported: fc.constantFrom(...(Object.keys(fates) as (keyof typeof fates)[])) }) },
);

test("of deltas nothing is lost and nothing is told in two exports, whatever becomes of each request", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
      const { exporter, backend, meter, reader, recorded } = start();
      const counter = meter.createCounter("orders");
      const histogram = meter.createHistogram("euros", { advice: { explicitBucketBoundaries: [2, 5] } });
      const exponential = meter.createHistogram("exponential");
      const exportOnce = async (fate: keyof typeof fates): Promise<void> => {
        backend.fate = fate;
        exporter.export((await reader.collect()).resourceMetrics, () => {});
        await exporter.forceFlush();
      };
      for (const each of steps) {
        if ("exported" in each) await exportOnce(each.exported);
        else {
          for (const instrument of [histogram, exponential]) instrument.record(each.add, { model: each.model });
          counter.add(each.add, { model: each.model });
          recorded.set(each.model, (recorded.get(each.model) ?? 0) + each.add);
        }
      }
      await exportOnce("taken");
      await exportOnce("taken");
      for (const name of ["orders", "euros", "exponential"]) expect(backend.sums(name)).toEqual(recorded);
      expect(backend.overlaps()).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

function start() {
  const reader = new (class extends MetricReader {
    protected override async onForceFlush(): Promise<void> {}
    protected override async onShutdown(): Promise<void> {}
  })();
  const provider = new MeterProvider({
    readers: [reader],
    views: [{ instrumentName: "exponential", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  });
  const backend = createBackend();
  const exporter = createPushExporter({
    serialiser: createSerialiser("http/json"),
    transport: { post: backend.post, close() {} },
    tell: { exported() {}, late() {}, rejected() {}, leftOut() {}, ended() {}, isFailing: () => false },
    count: { failed() {}, dropped() {} },
    // No time for a second try within an export: each fate is of one request.
    exportTimeoutMillis: 20,
    resourceOf: (resource) => resource,
    deltas: createAcknowledgedDeltas(() => expect.unreachable("nothing is forgotten")),
    selectAggregationTemporality: () => AggregationTemporality.CUMULATIVE,
  });
  const recorded = new Map<string, number>();
  return {
    exporter,
    backend,
    reader: reader as { collect(): Promise<CollectionResult> },
    meter: provider.getMeter("shop"),
    recorded,
  };
}

interface Point {
  readonly attributes: readonly { readonly value: { readonly stringValue: string } }[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly asDouble?: number;
  readonly sum?: number;
}

interface SentMetric {
  readonly name: string;
  readonly [data: string]: unknown;
}

/**
 * Takes what it is told to take. The same request again is the same export, and no second one. (Told by the bytes themselves: within a
 * millisecond two exports may say the same.)
 */
function createBackend() {
  const taken = new Map<Uint8Array, SentMetric[]>();
  const pointsOf = (name: string): Point[] =>
    [...taken.values()].flat().flatMap((metric) => {
      const data = (metric["sum"] ?? metric["histogram"] ?? metric["exponentialHistogram"]) as { dataPoints: Point[] };
      return metric.name === name ? data.dataPoints : [];
    });
  const modelOf = ({ attributes }: Point): string => attributes[0]?.value.stringValue ?? "";
  const self = {
    fate: "taken" as keyof typeof fates,
    async post(this: void, body: Uint8Array, signal: AbortSignal): Promise<HttpAnswer> {
      const { takes, answer } = fates[self.fate];
      const text = Buffer.from(body).toString();
      const { resourceMetrics } = JSON.parse(text) as {
        resourceMetrics: { scopeMetrics: { metrics: SentMetric[] }[] }[];
      };
      const metrics = resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
      if (takes) taken.set(body, metrics);
      if (answer === "silence") {
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        throw signal.reason;
      }
      if (typeof answer === "string") throw Object.assign(new Error(answer), { code: answer });
      // What a backend has once taken it does not call wrong or too large the next time.
      const status = taken.has(body) && (answer === 400 || answer === 413) ? 200 : answer;
      return { status, statusText: "", retryAfter: answer === 429 ? "3600" : undefined, body: Buffer.alloc(0) };
    },
    sums(name: string): Map<string, number> {
      const sums = new Map<string, number>();
      for (const point of pointsOf(name)) {
        sums.set(modelOf(point), (sums.get(modelOf(point)) ?? 0) + (point.asDouble ?? point.sum ?? NaN));
      }
      return sums;
    },
    /** Points that begin before the one before them ended: a time that is told twice. */
    overlaps(): Point[] {
      const seen = new Map<string, bigint>();
      return pointsOf("orders").filter((point) => {
        const before = seen.get(modelOf(point)) ?? 0n;
        seen.set(modelOf(point), BigInt(point.timeUnixNano));
        return BigInt(point.startTimeUnixNano) < before;
      });
    },
  };
  return self;
}
