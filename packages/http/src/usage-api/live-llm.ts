import type { MeterPoint } from "../running-sdk.ts";
import type { DurationsAnswer, LiveCallsAnswer, LiveLlmAnswer, TokensAnswer } from "./answers.ts";
import { averageOf, countOf, ended, since, sumOf, textOf, type LivePoints } from "./live-points.ts";
import { costAnswer, nanoUsdOfMeter } from "./money.ts";

/** Model calls since the process began, together and by provider and model; most requests first. */
export function liveLlm(points: LivePoints): LiveLlmAnswer {
  const sources = sourcesOf(points);
  const byModel = new Map<string, { -readonly [Name in keyof LlmSources]: MeterPoint[] }>();
  for (const [name, some] of Object.entries(sources) as [keyof LlmSources, readonly MeterPoint[]][]) {
    for (const point of some) {
      const key = JSON.stringify(modelOf(point.attributes));
      let own = byModel.get(key);
      if (own === undefined) byModel.set(key, (own = noPoints()));
      own[name].push(point);
    }
  }
  const rows = [...byModel].map(([key, own]) => {
    const [provider = null, model = null] = JSON.parse(key) as readonly (string | null)[];
    return { provider, model, ...callsOf(own) };
  });
  return {
    ...since(),
    ...callsOf(sources),
    models: rows.toSorted((left, right) => right.requests.total - left.requests.total),
  };
}

/** The points that are summed up, none of them twice. */
interface LlmSources {
  readonly requests: readonly MeterPoint[];
  readonly cost: readonly MeterPoint[];
  readonly unpriced: readonly MeterPoint[];
  readonly duration: readonly MeterPoint[];
  readonly input: readonly MeterPoint[];
  readonly output: readonly MeterPoint[];
  readonly cacheRead: readonly MeterPoint[];
  readonly cacheWrite: readonly MeterPoint[];
  readonly reasoning: readonly MeterPoint[];
}

function noPoints(): { -readonly [Name in keyof LlmSources]: MeterPoint[] } {
  return {
    requests: [],
    cost: [],
    unpriced: [],
    duration: [],
    input: [],
    output: [],
    cacheRead: [],
    cacheWrite: [],
    reasoning: [],
  };
}

function sourcesOf(points: LivePoints): LlmSources {
  const used = (kind: string): readonly MeterPoint[] => points.of(`gen_ai.client.inference.usage.${kind}_tokens`);
  const latest = used("input");
  // Where the conventions of v1.41 alone are recorded, tokens are known from their histogram.
  const old = (type: string): readonly MeterPoint[] =>
    points
      .of("gen_ai.client.token.usage")
      .filter(({ attributes }) => latest.length === 0 && attributes["gen_ai.token.type"] === type);
  return {
    requests: points.of("llm.requests"),
    cost: points.of("llm.cost"),
    unpriced: points.of("llm.unpriced"),
    duration: durationsOf(points),
    input: [...latest, ...old("input")],
    output: [...used("output"), ...old("output")],
    cacheRead: used("cache_read.input"),
    cacheWrite: used("cache_write.input"),
    reasoning: used("reasoning.output"),
  };
}

/**
 * Both generations of the conventions have a histogram. By default the older one holds all calls; where the newest alone is
 * recorded, each holds other operations.
 */
function durationsOf(points: LivePoints): readonly MeterPoint[] {
  const newest = points.of("gen_ai.client.inference.duration");
  const older = points.of("gen_ai.client.operation.duration");
  const operations = new Set(older.map(({ attributes }) => attributes["gen_ai.operation.name"]));
  return [...older, ...newest.filter(({ attributes }) => !operations.has(attributes["gen_ai.operation.name"]))];
}

function modelOf(attributes: MeterPoint["attributes"]): readonly [provider: string | null, model: string | null] {
  return [
    textOf(attributes["provider"] ?? attributes["gen_ai.provider.name"]),
    textOf(attributes["model"] ?? attributes["gen_ai.request.model"]),
  ];
}

function callsOf(sources: LlmSources): LiveCallsAnswer {
  return {
    requests: ended(sources.requests),
    tokens: tokensOf(sources),
    ...costAnswer(sources.cost.reduce((sum, { value }) => sum + nanoUsdOfMeter(value), 0n)),
    unpriced: sumOf(sources.unpriced),
    duration: durationOf(sources.duration),
  };
}

function tokensOf(sources: LlmSources): TokensAnswer {
  const input = sumOf(sources.input);
  const output = sumOf(sources.output);
  return {
    input,
    output,
    cacheRead: sumOf(sources.cacheRead),
    cacheWrite: sumOf(sources.cacheWrite),
    reasoning: sumOf(sources.reasoning),
    total: input + output,
  };
}

function durationOf(points: readonly MeterPoint[]): DurationsAnswer {
  const buckets = bucketsOf(points);
  return {
    count: countOf(points),
    sumSeconds: sumOf(points),
    averageSeconds: averageOf(points),
    p50Seconds: percentile(buckets, 0.5),
    p95Seconds: percentile(buckets, 0.95),
    buckets,
  };
}

/** None where points have other boundaries than each other, or none: an application's view may say so. */
function bucketsOf(points: readonly MeterPoint[]): DurationsAnswer["buckets"] {
  const [first] = points;
  const boundaries = first?.boundaries;
  if (boundaries === undefined || points.some((point) => String(point.boundaries) !== String(boundaries))) return [];
  return [...boundaries, null].map((upToSeconds, index) => ({
    upToSeconds,
    count: points.reduce((sum, { counts }) => sum + (counts?.[index] ?? 0), 0),
  }));
}

/** As Prometheus estimates it: evenly spread within a bucket, and at most the highest boundary. */
function percentile(buckets: DurationsAnswer["buckets"], share: number): number | null {
  const all = buckets.reduce((sum, { count }) => sum + count, 0);
  if (all === 0) return null;
  let before = 0;
  let lower = 0;
  for (const { upToSeconds, count } of buckets) {
    if (upToSeconds === null) return lower;
    if (count > 0 && before + count >= share * all) {
      return lower + ((upToSeconds - lower) * (share * all - before)) / count;
    }
    before += count;
    lower = upToSeconds;
  }
  return lower;
}
