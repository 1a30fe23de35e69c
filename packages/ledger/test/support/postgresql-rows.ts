import { randomUUID } from "node:crypto";
import { eventIdAt } from "../../src/event-id.ts";
import type { LedgerRow } from "../../src/ledger-row.ts";
import { contributionInSql } from "../../src/reading/read-contribution.ts";
import { rollups, sums } from "../../src/rollups.ts";
import { queryOnce } from "./postgresql-server.ts";

/** A row of a model call, unlike all others. Its id carries `capturedAt`, by default when it happened. */
export function usageRow(fields: Partial<LedgerRow> = {}): LedgerRow {
  const occurredAt = fields.occurredAt ?? Date.now();
  const capturedAt = fields.capturedAt ?? occurredAt;
  return {
    tenant: "acme",
    eventId: capturedAt === 0 ? randomUUID() : eventIdAt(capturedAt),
    capturedAt,
    occurredAt,
    kind: "llm_call",
    employee: "ada",
    project: "search",
    process: null,
    execution: null,
    user: "u-1",
    provider: "openai",
    model: "gpt-5",
    name: null,
    inputTokens: 1000,
    outputTokens: 200,
    cacheReadTokens: 100,
    cacheWriteTokens: null,
    reasoningTokens: 50,
    costNanoUsd: 123_456n,
    costStatus: "priced",
    priceBook: "prices@1",
    unpriced: 0,
    inferenceMicros: 1_234_567,
    queueMicros: null,
    isSuccess: true,
    errorType: null,
    usageSource: "provider",
    attempts: 1,
    corrects: null,
    responseModel: null,
    serviceTier: null,
    ...fields,
  };
}

/** That many of a few tenants, projects, employees and models. */
export function usageRows(count: number, fields: Partial<LedgerRow> = {}): LedgerRow[] {
  return Array.from({ length: count }, (_, index) =>
    usageRow({
      tenant: `tenant-${index % 7}`,
      project: index % 4 === 0 ? null : `p-${index % 3}`,
      employee: index % 5 === 0 ? null : `e-${index % 5}`,
      model: `model-${index % 6}`,
      isSuccess: index % 11 !== 0,
      ...fields,
    }),
  );
}

/** In an order of its own each time. */
export function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ item }) => item);
}

/**
 * How many rows there are, and how many buckets of the rollups say anything else than the rows add up to: apart from the store's
 * own code, which may be what is wrong.
 */
export async function countRows(url: string, schema = "meterbridge"): Promise<{ rows: number; wrongBuckets: number }> {
  let wrongBuckets = 0;
  for (const { table, seconds, dimensions } of rollups) {
    const keys = dimensions.map((name) => `coalesce(${name}, '') AS ${name}`).join(", ");
    const bucket = (time: string): string =>
      seconds === null ? "0" : `floor(extract(epoch FROM ${time}) / ${seconds})`;
    const added = sums.map((name) => `coalesce(sum(${contributionInSql[name]}), 0) AS ${name}`).join(", ");
    const rows = `SELECT ${keys}, ${bucket("occurred_at")} AS bucket, ${added} FROM "${schema}".usage_events GROUP BY ${[...dimensions, "bucket"].map((_, index) => index + 1).join(", ")}`;
    const kept = `SELECT ${dimensions.join(", ")}, ${bucket("bucket_at")} AS bucket, ${sums.join(", ")} FROM "${schema}".${table}`;
    const [found] = await queryOnce(
      url,
      `WITH added AS (${rows}), kept AS (${kept}), missing AS (SELECT * FROM added EXCEPT ALL SELECT * FROM kept),
       surplus AS (SELECT * FROM kept EXCEPT ALL SELECT * FROM added)
       SELECT (SELECT count(*) FROM missing) + (SELECT count(*) FROM surplus) AS wrong`,
    );
    wrongBuckets += Number(found?.["wrong"]);
  }
  const [counted] = await queryOnce(url, `SELECT count(*) AS rows FROM "${schema}".usage_events`);
  return { rows: Number(counted?.["rows"]), wrongBuckets };
}
