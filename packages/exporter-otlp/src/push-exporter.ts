import { ExportResultCode } from "@opentelemetry/core";
import type { IMetricReader, PushMetricExporter, ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { AcknowledgedDeltas } from "./acknowledged-deltas.ts";
import type { FailureCounts } from "./count-failures.ts";
import type { HttpTransport } from "./http-transport.ts";
import { sendParts, type Part } from "./send-parts.ts";
import { toSendableMetrics } from "./sendable-metrics.ts";
import { type Outcome, sendWithRetry, type Trouble } from "./send-with-retry.ts";
import type { Serialiser } from "./serialiser.ts";
import { splitMetrics } from "./split-metrics.ts";
import type { Teller } from "./tell-once.ts";

export interface PushExporterOptions {
  readonly serialiser: Serialiser;
  readonly transport: HttpTransport;
  readonly tell: Teller;
  readonly count: FailureCounts;
  readonly exportTimeoutMillis: number;
  /** The resource as it is sent. */
  resourceOf(resource: ResourceMetrics["resource"]): ResourceMetrics["resource"];
  /** Makes deltas of cumulative metrics; undefined: what the SDK hands over is sent. */
  readonly deltas: AcknowledgedDeltas | undefined;
  readonly selectAggregationTemporality: IMetricReader["selectAggregationTemporality"];
}

export interface PushExporter extends PushMetricExporter {
  /** Tells about what is still under way: a flush has waited for it in vain, and the process may end. */
  tellLate(waitedMillis: number): void;
  /**
   * The end has come: an export that is still under way after so many milliseconds is given up for the last one, which a new connection
   * may deliver.
   */
  hurry(patienceMillis: number): void;
  /** Ends whatever is under way, at once. */
  close(): void;
}

/**
 * Sends in the background, one export at a time: the reader's own waiting would hold the process by a timer, and exports that overtake
 * each other tell older values after newer ones. What is collected while one is under way waits, and gives way to what is newer;
 * the values are cumulative, so that nothing is lost by that. `forceFlush()` waits until all is out.
 */
export function createPushExporter(options: PushExporterOptions): PushExporter {
  const { serialiser, transport, tell, count, deltas, exportTimeoutMillis } = options;
  let waiting: ResourceMetrics | undefined;
  let running: Promise<void> | undefined;
  let current: Sending | undefined;
  /** Of which nobody knows whether they arrived: sent again as they are, before anything else. */
  let unanswered: readonly Part[] = [];
  let mostPoints = Infinity;
  let notBefore = 0;
  let closed = false;

  function end(outcome: Outcome): void {
    if (!outcome.delivered) {
      count.failed();
      if (outcome.retryAfterMillis !== undefined) {
        notBefore = performance.now() + Math.min(outcome.retryAfterMillis, longestHoldOff);
      }
    }
    tell.exported(outcome);
  }

  function delivered(part: Part, answer: Uint8Array): void {
    deltas?.acknowledge(part.metrics);
    const { points, message } = serialiser.readRejection(answer);
    if (points === 0) return;
    count.dropped(points, "rejected");
    tell.rejected(points, message);
  }

  async function exportOne(metrics: ResourceMetrics): Promise<void> {
    const abort = new AbortController();
    const sending: Sending = (current = { abort, trouble: undefined });
    const late = new Error(`no answer within ${exportTimeoutMillis} ms`);
    const timer = setTimeout(() => abort.abort(late), exportTimeoutMillis).unref();
    const deadline = performance.now() + exportTimeoutMillis;
    const onRetry = (trouble: Trouble): void => void (sending.trouble = trouble);
    const isUnanswered = (bytes: Uint8Array): boolean => unanswered.some((part) => part.bytes === bytes);
    const send = (parts: readonly Part[]) =>
      sendParts(parts, {
        serialise: (part, index) => serialiser.serialise(part, index, isUnanswered),
        post: (body) =>
          sendWithRetry((signal) => transport.post(body, signal), { signal: abort.signal, deadline, onRetry }),
        delivered,
      });
    try {
      const again = await send(unanswered);
      unanswered = again.unanswered;
      if (unanswered.length > 0) return end(again.outcome);
      mostPoints = Math.min(mostPoints, again.mostPoints);
      const taken = deltas?.take(metrics) ?? metrics;
      const sent = await send(splitMetrics(taken, mostPoints).map((part) => ({ metrics: part })));
      mostPoints = Math.min(mostPoints, sent.mostPoints);
      // What is cumulative is told anew by the next export, whether this one arrived or not.
      if (deltas !== undefined) unanswered = sent.unanswered;
      end(sent.outcome);
    } catch (error) {
      end(localTrouble(error));
    } finally {
      clearTimeout(timer);
      current = undefined;
    }
  }

  async function run(): Promise<void> {
    while (waiting !== undefined) {
      const metrics = waiting;
      waiting = undefined;
      await exportOne(metrics);
      if (performance.now() < notBefore) return;
    }
  }

  function begin(): void {
    if (waiting === undefined) return;
    running ??= run()
      // Only a logger or a meter provider that throws gets here: there is nobody left to tell.
      .catch(() => {})
      .finally(() => (running = undefined));
  }

  async function flush(): Promise<void> {
    await running;
    // Somebody waits for it: it is tried, though the backend had asked for a pause.
    begin();
    await running;
  }

  return {
    export(metrics, resultCallback) {
      try {
        if (closed) throw new Error("shut down");
        waiting = finite(metrics);
        if (performance.now() >= notBefore) begin();
      } catch (error) {
        end(localTrouble(error));
      }
      // What becomes of it is told and counted here.
      resultCallback({ code: ExportResultCode.SUCCESS });
    },
    forceFlush: flush,
    shutdown: flush,
    tellLate(waitedMillis) {
      if (current !== undefined) tell.late(current.trouble ?? silence(waitedMillis));
    },
    hurry(patienceMillis) {
      const { abort } = current ?? {};
      if (abort === undefined) return;
      const late = new Error(`no answer when the last export was due`);
      setTimeout(() => abort.abort(late), patienceMillis).unref();
    },
    close() {
      closed = true;
      waiting = undefined;
      current?.abort.abort(new Error("no answer before the shutdown deadline"));
      transport.close();
    },
    selectAggregationTemporality: options.selectAggregationTemporality,
  };

  function finite(given: ResourceMetrics): ResourceMetrics {
    const { metrics, leftOut } = toSendableMetrics(given);
    for (const points of leftOut.values()) count.dropped(points, "non_finite");
    if (leftOut.size > 0) tell.leftOut(leftOut);
    return { ...metrics, resource: options.resourceOf(metrics.resource) };
  }
}

interface Sending {
  readonly abort: AbortController;
  /** Why it is being tried again. */
  trouble: Trouble | undefined;
}

/** A backend that asks for more is asked again after this. */
const longestHoldOff = 60_000;

function localTrouble(error: unknown): Trouble {
  const reason = error instanceof Error ? error.message : String(error);
  return { delivered: false, kind: "local", reason, mayHaveArrived: false };
}

function silence(waitedMillis: number): Trouble {
  return { delivered: false, kind: "late", reason: `no answer within ${waitedMillis} ms`, mayHaveArrived: true };
}
