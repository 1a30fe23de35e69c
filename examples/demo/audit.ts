import type { ModelServer } from "./model-server.ts";
import type { Summary } from "./summary.ts";
import type { TrafficCounts } from "./traffic.ts";

/** What happened, counted outside the service: by the traffic that asked and by the model server that answered. */
export interface Sent {
  readonly requests: number;
  /** Requests answered with a 5xx status. */
  readonly failedRequests: number;
  readonly users: number;
  readonly openSessions: number;
  /** Requests by tenant. */
  readonly tenants: Readonly<Record<string, number>>;
  /** Tickets by how they ended: answered, rejected, expired or failed. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly models: Readonly<
    Record<string, { calls: number; failed: number; inputTokens: number; outputTokens: number }>
  >;
  readonly webhooks: { readonly received: number; readonly refused: number };
}

export function countSent(counts: Readonly<TrafficCounts>, models: Pick<ModelServer, "bill" | "webhooks">): Sent {
  let failedRequests = 0;
  for (const [status, count] of counts.byStatus) if (status >= 500) failedRequests += count;
  return {
    requests: counts.requests,
    failedRequests,
    users: counts.users.size,
    openSessions: counts.openSessions,
    tenants: Object.fromEntries(counts.byTenant),
    outcomes: Object.fromEntries(counts.byOutcome),
    models: Object.fromEntries([...models.bill].map(([model, line]) => [model, { ...line }])),
    webhooks: { ...models.webhooks },
  };
}

/** For people: `43 requests, 26 model calls, 23832 tokens, 12 users`. */
export function describeSent({ requests, models, users }: Sent): string {
  let tokens = 0;
  let calls = 0;
  for (const model of Object.values(models)) {
    calls += model.calls;
    tokens += model.inputTokens + model.outputTokens;
  }
  return `${requests} requests, ${calls} model calls, ${tokens} tokens, ${users} users`;
}

/** Every figure in which the meters differ from what happened, as `what: sent 12, metered 11`. Empty when all agree. */
export function findDifferences(sent: Sent, metered: Summary): readonly string[] {
  const differences: string[] = [];
  const compare = (what: string, expected: number, found: number): void => {
    if (expected !== found) differences.push(`${what}: sent ${expected}, metered ${found}`);
  };

  compare("requests", sent.requests, metered.requests.total);
  compare("failed requests", sent.failedRequests, metered.requests.failed);
  compare("requests under way", 0, metered.requests.active);
  compare("users", sent.users, metered.users.day);
  compare("open sessions", sent.openSessions, metered.sessions.active);

  const workflow = metered.steps.find((step) => step.kind === "workflow");
  const tasks = (workflow?.completed ?? 0) + (workflow?.failed ?? 0) + (workflow?.cancelled ?? 0);
  differences.push(...findUsageDifferences(sent, { models: metered.models, tasks }, "metered"));

  const outcome = (name: string): number => sent.outcomes[name] ?? 0;
  compare("answered tickets", outcome("answered"), workflow?.completed ?? 0);
  compare("failed tickets", outcome("failed"), workflow?.failed ?? 0);
  compare("refused tickets", outcome("rejected") + outcome("expired"), workflow?.cancelled ?? 0);
  compare("rejected refunds", outcome("rejected"), metered.decisions.rejected);
  compare("expired refunds", outcome("expired"), metered.decisions.expired);

  const webhook = metered.steps.find((step) => step.kind === "webhook");
  compare("webhooks received", sent.webhooks.received, webhook?.completed ?? 0);
  compare("webhooks refused", sent.webhooks.refused, webhook?.failed ?? 0);
  return differences;
}

/** What both the meters and the ledger know of the work done. */
export interface UsageFound {
  readonly tasks: number;
  readonly models: readonly {
    readonly model: string;
    readonly calls: number;
    readonly failed: number;
    readonly inputTokens: number;
    readonly outputTokens: number;
  }[];
}

/** The same for calls, tokens and tickets alone; `how` is what the finder did, `metered` or `kept`. */
export function findUsageDifferences(sent: Sent, found: UsageFound, how: string): readonly string[] {
  const none = { calls: 0, failed: 0, inputTokens: 0, outputTokens: 0 };
  const names = namesOf(
    Object.keys(sent.models),
    found.models.map((row) => row.model),
  );
  const tickets = Object.values(sent.outcomes).reduce((sum, count) => sum + count, 0);
  return [
    ...names.flatMap((model) => {
      const bill = sent.models[model] ?? none;
      const row = found.models.find((candidate) => candidate.model === model) ?? none;
      return [
        [`calls of ${model}`, bill.calls, row.calls] as const,
        [`failed calls of ${model}`, bill.failed, row.failed] as const,
        [`input tokens of ${model}`, bill.inputTokens, row.inputTokens] as const,
        [`output tokens of ${model}`, bill.outputTokens, row.outputTokens] as const,
      ];
    }),
    ["tickets", tickets, found.tasks] as const,
  ].flatMap(([what, expected, got]) => (expected === got ? [] : [`${what}: sent ${expected}, ${how} ${got}`]));
}

function namesOf(...lists: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(lists.flat())];
}
