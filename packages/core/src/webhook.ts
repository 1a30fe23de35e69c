import { catalogueMeter } from "./catalogue.ts";
import type { CoreState } from "./core-state.ts";
import { createFamily } from "./family.ts";
import { guarded } from "./guard.ts";
import { readFields } from "./reading.ts";
import { measureRun, noRun, startRun, type Run } from "./run.ts";
import type { RunStatus } from "./vocabulary.ts";

/** A webhook that was sent, or could not be. */
export interface SentWebhook {
  /** The kind of webhook, not its address. */
  readonly webhook?: string;
  readonly status: RunStatus;
  /** Seconds. */
  readonly duration: number;
}

export interface WebhookRecorder {
  /** Starts sending; its ending counts in `webhook.sent` by status and records the duration. */
  start(webhook?: string): Run;
  /** Runs `work`, which sends the webhook; an answer that is no success has to be thrown to count as failed. */
  measure<Result>(webhook: string, work: (run: Run) => Result): Promise<Awaited<Result>>;
  /** Records a webhook that was timed elsewhere. */
  record(webhook: SentWebhook): void;
}

export function createWebhookRecorder(state: CoreState): WebhookRecorder {
  const sent = createFamily(state, {
    members: {
      count: { meter: catalogueMeter("webhook.sent") },
      seconds: { meter: catalogueMeter("webhook.duration") },
    },
  });

  function record(webhook: string | undefined, status: RunStatus, seconds: number): void {
    const { cells } = sent.series([webhook, status]);
    cells.count(1);
    cells.seconds(seconds);
  }

  const start = guarded(state, "webhook.sent", noRun, (webhook?: string) =>
    startRun(state, "webhook.sent", ({ status, seconds }) => record(webhook, status, seconds)),
  );

  return {
    start,
    measure: (webhook, work) => measureRun(start(webhook), work),
    record: guarded(state, "webhook.sent", undefined, (given: SentWebhook) => {
      const { webhook, status, duration } = readFields(state, "webhook.sent", given, (fields) => ({
        webhook: fields.webhook,
        status: fields.status,
        duration: fields.duration,
      }));
      record(webhook, status, duration);
    }),
  };
}
