import { describeSent, findDifferences, type Sent } from "./audit.ts";
import { renderFrame } from "./frame.ts";
import { type Kept, readLedger } from "./ledger.ts";
import type { Stage } from "./stage.ts";
import type { Summary } from "./summary.ts";

/** How it ended: the last summary of each backend that can be read from here, beside what really happened. */
export interface Report {
  readonly seconds: number;
  readonly exporters: readonly string[];
  readonly sent: Sent;
  readonly prometheus?: Summary | undefined;
  readonly otlp?: Summary | undefined;
  /** What the ledger kept; undefined when the service keeps none here. */
  readonly ledger?: Kept | undefined;
  /** Empty when the meters agree with what was sent, to the unit. */
  readonly differences: readonly string[];
}

/** Reads the page, then lets the service end, which pushes its last totals, and reads what was pushed. Needs quiet traffic. */
export async function closeBooks(stage: Stage, seconds: number): Promise<Report> {
  const prometheus = await stage.readPrometheus();
  await stage.service.stop();
  const otlp = stage.readOtlp();
  const sent = stage.sent();
  const ledger = stage.ledger && (await readLedger(stage.ledger, sent, prometheus ?? otlp));
  return {
    seconds,
    exporters: stage.exporters,
    sent,
    prometheus,
    otlp,
    ledger,
    differences: [
      ...Object.entries({ prometheus, otlp }).flatMap(([backend, summary]) =>
        summary === undefined ? [] : findDifferences(sent, summary).map((difference) => `${backend}: ${difference}`),
      ),
      ...(ledger?.differences ?? []).map((difference) => `ledger: ${difference}`),
    ],
  };
}

/**
 * How many requests the service got that the traffic did not send, for example by curl. Then the totals cannot be compared,
 * and a difference is no fault.
 */
export function requestsFromElsewhere({ sent, prometheus, otlp }: Report): number {
  return Math.max(0, ((prometheus ?? otlp)?.requests.total ?? 0) - sent.requests);
}

/** The last screen, and whether the meters agree with what was sent. */
export function renderReport(stage: Stage, report: Report): readonly string[] {
  const { sent, differences, seconds } = report;
  const truth = describeSent(sent);
  const summary = report.prometheus ?? report.otlp;
  const { addresses, exporters } = stage;
  const frame = { seconds, addresses, exporters, summary, sent, otlpExports: stage.otlpExports(), note: "the end" };
  if (summary === undefined) return [...renderFrame(frame), ...told(stage)];
  const holders = [
    report.prometheus && "the metrics page",
    report.otlp && "the OTLP receiver",
    report.ledger && "the ledger",
  ].filter((holder) => holder !== undefined);
  const elsewhere = requestsFromElsewhere(report);
  const verdict =
    differences.length === 0
      ? [`${new Intl.ListFormat("en").format(holders)} ${holders.length > 1 ? "have" : "has"} it all:`, truth]
      : elsewhere > 0
        ? [`${elsewhere} more requests came in than the demo sent, so there is nothing to compare with`]
        : ["the meters differ from what happened:", ...differences.map((difference) => `  ${difference}`)];
  const lines = [...verdict, ...describeLedger(report.ledger)].map((line) => ` ${line}`);
  return [...renderFrame(frame), "", ...lines, ...told(stage)];
}

/** What could be billed from, to the nano-dollar. */
function describeLedger(kept: Kept | undefined): readonly string[] {
  if (kept === undefined) return [];
  const { calls, tasks, toolCalls, tokens, costUsd, unpriced, differences } = kept;
  const audited = differences.length === 0 ? "audited: clean" : "audited: see above";
  return [
    `the ledger keeps ${calls} model calls (${unpriced} unpriced), ${tasks} tasks, ${toolCalls} tool calls, ` +
      `${tokens} tokens, USD ${costUsd}; ${audited}`,
  ];
}

/** What Meterbridge told in the service, such as a collector that does not answer; not its status line. */
function told({ service }: Stage): readonly string[] {
  const lines = service.lastOutput().split("\n");
  return lines
    .filter((line) => line.startsWith("[meterbridge] ") && !line.includes("; traces "))
    .map((line) => ` ${line}`);
}
