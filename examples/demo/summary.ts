import type { Sample } from "./scrape.ts";

/** The figures of the screen, read from one scrape. Money is USD, durations are seconds. */
export interface Summary {
  readonly requests: { readonly total: number; readonly failed: number; readonly active: number; readonly p95: number };
  readonly models: readonly ModelRow[];
  readonly tenants: readonly TenantRow[];
  readonly steps: readonly StepRow[];
  readonly decisions: {
    readonly created: number;
    readonly approved: number;
    readonly rejected: number;
    readonly expired: number;
  };
  readonly users: { readonly fiveMinutes: number; readonly hour: number; readonly day: number };
  readonly sessions: { readonly active: number; readonly created: number };
  /** The service's own meters: tickets by channel, and refunds in EUR. */
  readonly tickets: Readonly<Record<string, number>>;
  readonly refunds: { readonly count: number; readonly euros: number };
}

export interface ModelRow {
  readonly model: string;
  readonly calls: number;
  readonly failed: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
  /** Answered calls that no price is known for. They are not in `costUsd`. */
  readonly unpriced: number;
  readonly p50: number;
  readonly p95: number;
}

export interface TenantRow {
  readonly tenant: string;
  readonly calls: number;
  readonly tokens: number;
  readonly costUsd: number;
  readonly unpriced: number;
}

export interface StepRow {
  readonly kind: string;
  readonly name: string;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
}

type Labels = Readonly<Record<string, string>>;

const inputTokens = "gen_ai_client_inference_usage_input_tokens_total";
const outputTokens = "gen_ai_client_inference_usage_output_tokens_total";
const callDuration = "gen_ai_client_inference_duration_seconds";
const requestDuration = "http_server_request_duration_seconds";

const steps = [
  { kind: "workflow", meter: "workflow_executions_total", label: "workflow" },
  { kind: "agent", meter: "agent_executions_total", label: "agent" },
  { kind: "node", meter: "agent_node_executions_total", label: "node" },
  { kind: "tool", meter: "tool_calls_total", label: "tool" },
  { kind: "retrieval", meter: "rag_retrievals_total", label: "index" },
  { kind: "webhook", meter: "webhook_sent_total", label: "webhook" },
] as const;

/** Reads the figures from the samples of a metrics page. */
export function summarise(samples: readonly Sample[]): Summary {
  const total = (name: string, labels: Labels = {}): number => sumOf(samples, name, labels);
  return {
    requests: {
      total: total(`${requestDuration}_count`),
      failed: sumOf(
        samples.filter(({ labels }) => labels["http_response_status_code"]?.startsWith("5")),
        `${requestDuration}_count`,
      ),
      active: total("http_server_active_requests"),
      p95: quantile(samples, requestDuration, {}, 0.95),
    },
    models: valuesOf(samples, "llm_requests_total", "model").map((model) => ({
      model,
      calls: total("llm_requests_total", { model }),
      failed: total("llm_requests_total", { model, status: "failed" }),
      inputTokens: total(inputTokens, { gen_ai_request_model: model }),
      outputTokens: total(outputTokens, { gen_ai_request_model: model }),
      costUsd: total("llm_cost_usd_total", { model }),
      unpriced: total("llm_unpriced_total", { model }),
      p50: quantile(samples, callDuration, { gen_ai_request_model: model }, 0.5),
      p95: quantile(samples, callDuration, { gen_ai_request_model: model }, 0.95),
    })),
    tenants: valuesOf(samples, "llm_requests_total", "tenant").map((tenant) => ({
      tenant,
      calls: total("llm_requests_total", { tenant }),
      tokens: total(inputTokens, { tenant }) + total(outputTokens, { tenant }),
      costUsd: total("llm_cost_usd_total", { tenant }),
      unpriced: total("llm_unpriced_total", { tenant }),
    })),
    steps: steps.flatMap(({ kind, meter, label }) =>
      valuesOf(samples, meter, label).map((name) => ({
        kind,
        name,
        completed: total(meter, { [label]: name, status: "completed" }),
        failed: total(meter, { [label]: name, status: "failed" }),
        cancelled: total(meter, { [label]: name, status: "cancelled" }),
      })),
    ),
    decisions: {
      created: total("checkpoint_created_total"),
      approved: total("checkpoint_decided_total", { decision: "approved" }),
      rejected: total("checkpoint_decided_total", { decision: "rejected" }),
      expired: total("checkpoint_decided_total", { decision: "expired" }),
    },
    users: {
      fiveMinutes: total("user_active", { window: "5m" }),
      hour: total("user_active", { window: "1h" }),
      day: total("user_active", { window: "1d" }),
    },
    sessions: { active: total("session_active"), created: total("session_created_total") },
    tickets: Object.fromEntries(
      valuesOf(samples, "support_tickets_total", "channel").map((channel) => [
        channel,
        total("support_tickets_total", { channel }),
      ]),
    ),
    refunds: { count: total("support_refund_amount_eur_count"), euros: total("support_refund_amount_eur_sum") },
  };
}

function sumOf(samples: readonly Sample[], name: string, labels: Labels = {}): number {
  let sum = 0;
  for (const sample of samples) if (sample.name === name && matches(sample, labels)) sum += sample.value;
  return sum;
}

function matches(sample: Sample, labels: Labels): boolean {
  return Object.entries(labels).every(([name, value]) => sample.labels[name] === value);
}

function valuesOf(samples: readonly Sample[], name: string, label: string): readonly string[] {
  const values = new Set<string>();
  for (const sample of samples) {
    const value = sample.labels[label];
    if (sample.name === name && value !== undefined) values.add(value);
  }
  return [...values].toSorted();
}

/** As PromQL's `histogram_quantile`: linear inside a bucket, the highest finite bound beyond it. 0 when nothing was measured. */
function quantile(samples: readonly Sample[], name: string, labels: Labels, share: number): number {
  const buckets = new Map<number, number>();
  for (const sample of samples) {
    if (sample.name !== `${name}_bucket` || !matches(sample, labels)) continue;
    const bound = Number(sample.labels["le"]?.replace("Inf", "Infinity"));
    buckets.set(bound, (buckets.get(bound) ?? 0) + sample.value);
  }
  const sorted = [...buckets].toSorted(([left], [right]) => left - right);
  const wanted = share * (sorted.at(-1)?.[1] ?? 0);
  let lowerBound = 0;
  let below = 0;
  for (const [bound, count] of sorted) {
    if (count >= wanted && count > below) {
      return bound === Infinity ? lowerBound : lowerBound + ((bound - lowerBound) * (wanted - below)) / (count - below);
    }
    lowerBound = bound;
    below = count;
  }
  return 0;
}
