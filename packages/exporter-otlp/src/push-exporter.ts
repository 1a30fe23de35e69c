import { ExportResultCode } from "@opentelemetry/core";
import type { IMetricReader, PushMetricExporter, ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { FailureCounts } from "./count-failures.ts";
import type { HttpTransport } from "./http-transport.ts";
import { toSendableMetrics } from "./sendable-metrics.ts";
import { type Outcome, sendWithRetry, type Trouble } from "./send-with-retry.ts";
import type { Serialiser } from "./serialiser.ts";
import type { Teller } from "./tell-once.ts";

export interface PushExporterOptions {
  readonly serialiser: Serialiser;
  readonly transport: HttpTransport;
  readonly tell: Teller;
  readonly count: FailureCounts;
  readonly exportTimeoutMillis: number;
  readonly selectAggregationTemporality: IMetricReader["selectAggregationTemporality"];
}

export interface PushExporter extends PushMetricExporter {
  /** Tells about what is still under way: a flush has waited for it in vain, and the process may end. */
  tellLate(waitedMillis: number): void;
  /** Ends whatever is under way, at once. */
  close(): void;
}

/**
 * Serialises at once and sends in the background: the reader's own waiting would hold the process by a timer, and its
 * complaint at each failure would be told each time. `forceFlush()` waits for what is under way.
 */
export function createPushExporter(options: PushExporterOptions): PushExporter {
  const { serialiser, transport, tell, count } = options;
  const underWay = new Map<Promise<void>, Sending>();
  let closed = false;

  function end(outcome: Outcome): void {
    if (outcome.delivered) {
      const { points, message } = serialiser.readRejection(outcome.body);
      if (points > 0) {
        count.dropped(points, "rejected");
        tell.rejected(points, message);
      }
    } else {
      count.failed();
    }
    tell.exported(outcome);
  }

  function begin(body: Uint8Array): void {
    const abort = new AbortController();
    const state: Sending = { abort, trouble: undefined };
    const onRetry = (trouble: Trouble): void => void (state.trouble = trouble);
    const late = new Error(`no answer within ${options.exportTimeoutMillis} ms`);
    const timer = setTimeout(() => abort.abort(late), options.exportTimeoutMillis).unref();
    const deadline = performance.now() + options.exportTimeoutMillis;
    const sending = sendWithRetry((signal) => transport.post(body, signal), { signal: abort.signal, deadline, onRetry })
      .then(end)
      // Only a logger or a meter provider that throws gets here: there is nobody left to tell.
      .catch(() => {})
      .finally(() => {
        clearTimeout(timer);
        underWay.delete(sending);
      });
    underWay.set(sending, state);
  }

  function serialise(metrics: ResourceMetrics): Uint8Array {
    const sendable = toSendableMetrics(metrics);
    for (const points of sendable.leftOut.values()) count.dropped(points, "non_finite");
    if (sendable.leftOut.size > 0) tell.leftOut(sendable.leftOut);
    return serialiser.serialise(sendable.metrics);
  }

  return {
    export(metrics, resultCallback) {
      try {
        if (closed) throw new Error("shut down");
        if (underWay.size >= mostUnderWay) throw new Error(`${mostUnderWay} exports are still under way`);
        begin(serialise(metrics));
      } catch (error) {
        end({ delivered: false, kind: "local", reason: error instanceof Error ? error.message : String(error) });
      }
      // What becomes of it is told and counted here.
      resultCallback({ code: ExportResultCode.SUCCESS });
    },
    async forceFlush() {
      await Promise.all(underWay.keys());
    },
    async shutdown() {
      await Promise.all(underWay.keys());
    },
    tellLate(waitedMillis) {
      const silence = { delivered: false, kind: "late", reason: `no answer within ${waitedMillis} ms` } as const;
      for (const { trouble } of underWay.values()) tell.late(trouble ?? silence);
    },
    close() {
      closed = true;
      for (const { abort } of underWay.values()) abort.abort(new Error("no answer before the shutdown deadline"));
      transport.close();
    },
    selectAggregationTemporality: options.selectAggregationTemporality,
  };
}

interface Sending {
  readonly abort: AbortController;
  /** Why it is being tried again. */
  trouble: Trouble | undefined;
}

// As in the official exporters.
const mostUnderWay = 30;
