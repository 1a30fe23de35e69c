import { createHash } from "node:crypto";
import type { PriceBook } from "@meterbridge/core";
import { cleanText } from "../clean-text.ts";
import { eventIdAt } from "../event-id.ts";
import type { LedgerRow } from "../ledger-row.ts";
import type { LedgerStore } from "../ledger-store.ts";
import { mostNanoUsd } from "../plain-event.ts";
import { pagesOf, tenantsOf, windowOf, type ProofWindow } from "../queries/query-window.ts";

export interface RepriceOptions extends ProofWindow {
  readonly priceBook: PriceBook;
  /**
   * Finds out what would change, and writes nothing.
   * @default false
   */
  readonly dryRun?: boolean;
  /**
   * Also prices calls whose cost the provider itself reported.
   * @default false
   */
  readonly includeProviderCosts?: boolean;
}

export interface RepriceResult {
  /** Model calls looked at. */
  readonly looked: number;
  /** Calls whose cost is another now: as many rows were added, or would be. */
  readonly corrected: number;
  /** What was added to the cost of all, in nano-USD. */
  readonly differenceNanoUsd: bigint;
  /** Calls with tokens that have no price in this book either. */
  readonly stillUnpriced: number;
  /** Calls that had a price, are not in this book, and keep what they had. */
  readonly notInBook: number;
  /** Calls whose price counted what no row keeps, such as audio and searches (`+details` at the end of its book's name). They keep what they had. */
  readonly byDetails: number;
  /** Calls at which the price book threw, or gave what is no price. They keep what they had. */
  readonly failed: number;
  /** Corrections that another run wrote first, or that retention takes no more: they are in `corrected` all the same. */
  readonly notWritten: number;
}

/**
 * Prices model calls anew and adds a correcting row for each whose cost differs. No row is ever changed. It may be run again,
 * after a crash or beside another run: a correction's id follows from the event and the number of corrections before it, so
 * that it is written once. Calls without tokens are left alone.
 *
 * A row keeps the models asked for and answering, the service tier and the counts of tokens. It does not keep tokens by modality, caches written for
 * an hour and searches: calls whose price counted such are left alone. Those that had no price are priced as text, five minutes and none.
 * @throws RangeError when the window is wrong, or rows in it are forgotten.
 */
export async function reprice(store: LedgerStore, options: RepriceOptions): Promise<RepriceResult> {
  const range = await windowOf("reprice", store, options);
  const result = {
    looked: 0,
    corrected: 0,
    differenceNanoUsd: 0n,
    stillUnpriced: 0,
    notInBook: 0,
    byDetails: 0,
    failed: 0,
    notWritten: 0,
  };

  const reconsider = async (rows: readonly LedgerRow[]): Promise<void> => {
    const corrected = Map.groupBy(rows, (row) => row.corrects);
    const corrections = (corrected.get(null) ?? []).flatMap((event) =>
      correctionOf(event, corrected.get(event.eventId) ?? [], options, result),
    );
    for (let start = 0; start < corrections.length && options.dryRun !== true; start += batchSize) {
      const { duplicates, expired } = await store.append(corrections.slice(start, start + batchSize));
      result.notWritten += duplicates + expired;
    }
  };

  for (const tenant of await tenantsOf(store, options.tenant)) {
    let waiting: LedgerRow[] = [];
    for await (const page of pagesOf(store, tenant, range, { kind: "llm_call" })) {
      waiting.push(...page);
      // A call and its corrections happened at the same moment, and a page may end between them.
      const newest = waiting.at(-1)!.occurredAt;
      const whole = waiting.filter((row) => row.occurredAt < newest);
      waiting = waiting.filter((row) => row.occurredAt === newest);
      await reconsider(whole);
    }
    await reconsider(waiting);
  }
  return result;
}

type Counts = { -readonly [Name in keyof RepriceResult]: RepriceResult[Name] };

function correctionOf(
  event: LedgerRow,
  before: readonly LedgerRow[],
  { priceBook, includeProviderCosts = false }: RepriceOptions,
  result: Counts,
): LedgerRow[] {
  result.looked++;
  if (event.inputTokens === null && event.outputTokens === null) return [];
  if (event.costStatus === "provider" && !includeProviderCosts) return [];
  if (event.priceBook?.endsWith(detailsMark) === true) {
    result.byDetails++;
    return [];
  }
  const isUnpriced = before.reduce((so, row) => so + row.unpriced, event.unpriced as number) > 0;
  const price = priceOf(event, priceBook);
  if (price === null || price === "failed") {
    if (price === "failed") result.failed++;
    else if (!isUnpriced) result.notInBook++;
    if (isUnpriced) result.stillUnpriced++;
    return [];
  }

  const present = before.reduce((so, row) => so + (row.costNanoUsd ?? 0n), event.costNanoUsd ?? 0n);
  const difference = price - present;
  if (difference === 0n && !isUnpriced) return [];
  result.corrected++;
  result.differenceNanoUsd += difference;
  return [
    {
      ...event,
      eventId: correctionId(event, before.length),
      inputTokens: null,
      outputTokens: null,
      cacheReadTokens: null,
      cacheWriteTokens: null,
      reasoningTokens: null,
      costNanoUsd: difference,
      costStatus: "priced",
      priceBook: cleanText(priceBook.name),
      unpriced: isUnpriced ? -1 : 0,
      inferenceMicros: null,
      queueMicros: null,
      corrects: event.eventId,
    },
  ];
}

function priceOf(event: LedgerRow, priceBook: PriceBook): bigint | null | "failed" {
  const { provider, model } = event;
  if (provider === null || model === null) return null;
  try {
    const price = priceBook.price({
      provider,
      model,
      responseModel: event.responseModel ?? undefined,
      serviceTier: event.serviceTier ?? undefined,
      inputTokens: event.inputTokens ?? 0,
      outputTokens: event.outputTokens ?? 0,
      cacheReadTokens: event.cacheReadTokens ?? 0,
      cacheWriteTokens: event.cacheWriteTokens ?? 0,
      reasoningTokens: event.reasoningTokens ?? 0,
      occurredAt: new Date(event.occurredAt),
    });
    if (price === null) return null;
    return typeof price === "bigint" && price >= 0n && price <= mostNanoUsd ? price : "failed";
  } catch {
    return "failed";
  }
}

/**
 * The same for every run that finds the same corrections, whatever its price book: of two runs with different books at once,
 * one wins, instead of both adding their difference. Its time is the event's, so that both stay in one partition.
 */
function correctionId(event: LedgerRow, corrections: number): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([event.tenant, event.eventId, corrections]))
    .digest();
  return event.capturedAt === 0 ? `correction:${digest.toString("hex")}` : eventIdAt(event.capturedAt, digest);
}

const batchSize = 500;
/** Core writes it. */
const detailsMark = "+details";
