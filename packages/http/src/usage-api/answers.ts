// What the routes answer, as JSON. Times are ISO 8601 in UTC. Nothing here is a bigint: sums of money are exact texts.

/** Money: `costUsd` in US dollars with nine digits, `costNanoUsd` the same as a whole number of nano-dollars; both texts. */
export interface CostAnswer {
  readonly costNanoUsd: string;
  readonly costUsd: string;
}

export interface TokensAnswer {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly reasoning: number;
  readonly total: number;
}

/** What model calls add up to, by the ledger. */
export interface CallsAnswer extends CostAnswer {
  readonly calls: number;
  readonly tokens: TokensAnswer;
  readonly unpriced: number;
  readonly estimated: number;
  readonly averageInferenceMs: number | null;
  readonly successRate: number | null;
}

/** What tenants and employees had done, by the ledger. */
export interface WorkAnswer extends CostAnswer {
  readonly tasks: number;
  readonly durationMs: number;
  readonly averageDurationMs: number | null;
  readonly tokens: number;
  readonly toolCalls: number;
  readonly errors: number;
  readonly successRatio: number | null;
}

/** The range that was asked for, or the one taken instead. */
export interface RangeAnswer {
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
}

/** How many ended, by how. */
export interface EndedAnswer {
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly total: number;
}

/** What was recorded since the process began, and when that was. */
export interface SinceAnswer {
  readonly since: string;
}

export interface LiveWorkflowsTotal {
  readonly created: number;
  readonly active: number;
  readonly executions: EndedAnswer;
  readonly averageDurationSeconds: number | null;
}

export interface LiveWorkflowsAnswer extends SinceAnswer, LiveWorkflowsTotal {
  readonly workflows: readonly (LiveWorkflowsTotal & { readonly workflow: string })[];
}

/** Seconds; percentiles are estimated from the buckets. */
export interface DurationsAnswer {
  readonly count: number;
  readonly sumSeconds: number;
  readonly averageSeconds: number | null;
  readonly p50Seconds: number | null;
  readonly p95Seconds: number | null;
  /** How many took up to so many seconds and longer than the bucket before; null: longer than all. */
  readonly buckets: readonly { readonly upToSeconds: number | null; readonly count: number }[];
}

export interface LiveCallsAnswer extends CostAnswer {
  readonly requests: EndedAnswer;
  readonly tokens: TokensAnswer;
  readonly unpriced: number;
  readonly duration: DurationsAnswer;
}

export interface LiveLlmAnswer extends SinceAnswer, LiveCallsAnswer {
  readonly models: readonly (LiveCallsAnswer & { readonly provider: string | null; readonly model: string | null })[];
}

export interface LiveCheckpointsTotal {
  readonly created: number;
  readonly approved: number;
  readonly rejected: number;
  readonly expired: number;
}

export interface LiveCheckpointsAnswer extends SinceAnswer, LiveCheckpointsTotal {
  readonly checkpoints: readonly (LiveCheckpointsTotal & { readonly checkpoint: string | null })[];
}

export interface LiveSummaryAnswer extends SinceAnswer {
  readonly workflows: LiveWorkflowsTotal;
  readonly llm: Omit<LiveCallsAnswer, "duration"> & { readonly averageDurationSeconds: number | null };
  readonly tasks: EndedAnswer & { readonly successRatio: number | null };
  readonly toolCalls: EndedAnswer;
  readonly checkpoints: LiveCheckpointsTotal;
  readonly webhooks: EndedAnswer;
  /** Distinct users by window, of all tenants together: null for a tenant. */
  readonly activeUsers: Readonly<Record<string, number>> | null;
}

export interface SummaryAnswer {
  /** Null where it is asked by project or employee, which meters do not tell, and where meters cannot be read. */
  readonly live: LiveSummaryAnswer | null;
  /** Null where no ledger is kept. */
  readonly history: (RangeAnswer & CallsAnswer & { readonly tasks: number; readonly toolCalls: number }) | null;
}

export interface ByProviderAnswer extends RangeAnswer {
  readonly models: readonly (CallsAnswer & { readonly provider: string | null; readonly model: string | null })[];
}

export interface TimelineAnswer {
  readonly step: "hour" | "day" | "week";
  readonly days: number;
  readonly timeZone: string;
  readonly periods: readonly (CallsAnswer & { readonly from: string; readonly to: string; readonly date: string })[];
}

export interface OverviewAnswer {
  readonly timeZone: string;
  readonly projects: number;
  readonly today: CallsAnswer & { readonly date: string };
  readonly month: CallsAnswer & { readonly from: string };
}

export interface UsageAnswer {
  readonly year: number;
  readonly month: number | null;
  readonly timeZone: string;
  readonly summary: {
    readonly tenants: readonly (WorkAnswer & { readonly tenant: string })[];
    readonly employees: readonly (WorkAnswer & { readonly tenant: string; readonly employee: string | null })[];
  };
  /** Null where it was not asked for. */
  readonly daily:
    | readonly (WorkAnswer & { readonly day: string; readonly tenant: string; readonly employee: string | null })[]
    | null;
}

export interface TopTenantsAnswer extends RangeAnswer {
  readonly by: "cost" | "tokens" | "calls";
  readonly tenants: readonly (CallsAnswer & { readonly tenant: string })[];
}

export interface ErrorsAnswer extends RangeAnswer {
  readonly events: number;
  readonly errors: number;
  readonly successRatio: number | null;
  readonly groups: readonly {
    readonly kind: "llm_call" | "task" | "tool_call";
    readonly provider: string | null;
    readonly model: string | null;
    readonly events: number;
    readonly errors: number;
    readonly successRatio: number | null;
  }[];
}

/** A row of the ledger, without what is the ledger's own business. */
export interface RowAnswer {
  readonly eventId: string;
  readonly occurredAt: string;
  readonly kind: "llm_call" | "task" | "tool_call";
  readonly tenant: string;
  readonly employee: string | null;
  readonly project: string | null;
  readonly process: string | null;
  readonly execution: string | null;
  readonly user: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly responseModel: string | null;
  readonly serviceTier: string | null;
  readonly name: string | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly cacheReadTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly totalTokens: number | null;
  readonly costNanoUsd: string | null;
  readonly costUsd: string | null;
  readonly costStatus: "priced" | "provider" | "estimated" | "unpriced" | "none";
  readonly inferenceMs: number | null;
  readonly queueMs: number | null;
  readonly isSuccess: boolean;
  readonly errorType: string | null;
  readonly attempts: number;
  readonly corrects: string | null;
}

export interface LatestAnswer {
  readonly rows: readonly RowAnswer[];
  readonly cursor: string | null;
}

export interface PrometheusHealthAnswer {
  readonly status: "healthy" | "degraded" | "disabled";
  readonly enabled: boolean;
  readonly namespace: string;
  readonly counters: number;
  readonly gauges: number;
  readonly histograms: number;
  readonly series: number;
  readonly keptLabelBytes?: number;
  readonly lastScrape?: string;
  readonly lastError?: string;
}
