import * as v from "valibot";
import { queryError, shown } from "../queries/query-error.ts";
import { nanoUsdOf } from "../queries/query-money.ts";

/** What a provider says it charged, by UTC days. */
export interface ProviderBill {
  /** As the ledger's rows name it. */
  readonly provider: "openai" | "anthropic";
  /** False when a page says that there are more, and no last page is among those given. */
  readonly complete: boolean;
  /** Every day the pages cover, in Unix milliseconds, ascending; also those without a line. */
  readonly days: readonly number[];
  readonly lines: readonly BillLine[];
}

export interface BillLine {
  readonly provider: "openai" | "anthropic";
  /** Unix milliseconds: a UTC day. */
  readonly from: number;
  readonly to: number;
  /** Null where the bill does not tell it, or it is not of a model. */
  readonly model: string | null;
  /** What it is for in the provider's words, for example `gpt-5-2025-08-07, input`. */
  readonly lineItem: string | null;
  /** Negative for credits. What is finer than a nano-dollar is rounded in each line. */
  readonly nanoUsd: bigint;
}

/**
 * Reads the answers of OpenAI's `GET /v1/organization/costs`: one parsed page, or an array of them. Ask with
 * `group_by=line_item` to learn about models.
 * @throws RangeError naming the path of what is missing or wrong.
 */
export function readOpenAiCosts(pages: unknown): ProviderBill {
  return billOf("openai", "readOpenAiCosts", checkedPages("readOpenAiCosts", openAiPage, pages), (bucket, place) => ({
    from: bucket.start_time * 1000,
    to: bucket.end_time * 1000,
    results: bucket.results.map((result, index) => {
      const path = `${place}.results[${index}].amount`;
      const lineItem = result.line_item ?? null;
      return {
        model: modelOfLineItem(lineItem),
        lineItem,
        nanoUsd: amountOf("readOpenAiCosts", path, result.amount.currency, String(result.amount.value), 1),
      };
    }),
  }));
}

/**
 * Reads the answers of Anthropic's `GET /v1/organizations/cost_report`: one parsed page, or an array of them. Ask with
 * `group_by[]=description` to learn about models. The report leaves out Priority Tier.
 * @throws RangeError naming the path of what is missing or wrong.
 */
export function readAnthropicCosts(pages: unknown): ProviderBill {
  const read = "readAnthropicCosts";
  return billOf("anthropic", read, checkedPages(read, anthropicPage, pages), (bucket, place) => ({
    from: Date.parse(bucket.starting_at),
    to: Date.parse(bucket.ending_at),
    results: bucket.results.map((result, index) => ({
      model: result.model ?? null,
      lineItem: result.description ?? null,
      // Decimal text in cents: "123.45" is 1.2345 USD.
      nanoUsd: amountOf(read, `${place}.results[${index}].amount`, result.currency, result.amount, 100),
    })),
  }));
}

const textOrNull = v.nullish(v.string("must be a text or null"));
const list = "must be an array";
const moreFollow = v.optional(v.boolean("must be true or false"), false);

const openAiPage = v.object({
  data: v.array(
    v.object({
      start_time: v.pipe(v.number("must be Unix seconds"), v.integer("must be whole Unix seconds")),
      end_time: v.pipe(v.number("must be Unix seconds"), v.integer("must be whole Unix seconds")),
      results: v.array(
        v.object({
          amount: v.object({
            value: v.union([v.pipe(v.number(), v.finite()), v.string()], "must be a number or a decimal text"),
            currency: v.string("must be a currency"),
          }),
          line_item: textOrNull,
        }),
        list,
      ),
    }),
    list,
  ),
  has_more: moreFollow,
});

const anthropicPage = v.object({
  data: v.array(
    v.object({
      starting_at: v.pipe(v.string("must be an RFC 3339 time"), v.isoTimestamp("must be an RFC 3339 time")),
      ending_at: v.pipe(v.string("must be an RFC 3339 time"), v.isoTimestamp("must be an RFC 3339 time")),
      results: v.array(
        v.object({
          amount: v.string("must be a decimal text of cents"),
          currency: v.string("must be a currency"),
          model: textOrNull,
          description: textOrNull,
        }),
        list,
      ),
    }),
    list,
  ),
  has_more: moreFollow,
});

interface Bucket {
  readonly from: number;
  readonly to: number;
  readonly results: readonly Pick<BillLine, "model" | "lineItem" | "nanoUsd">[];
}

function checkedPages<Schema extends v.GenericSchema>(
  read: string,
  schema: Schema,
  pages: unknown,
): v.InferOutput<Schema>[] {
  return (Array.isArray(pages) ? pages : [pages]).map((page: unknown, index) => {
    const result = v.safeParse(schema, page, { abortEarly: true });
    if (result.success) return result.output;
    const [issue] = result.issues;
    const place = Array.isArray(pages) ? `pages[${index}]` : "page";
    const path = (issue.path ?? []).reduce(
      (so, { key }) => so + (typeof key === "number" ? `[${key}]` : `.${String(key)}`),
      place,
    );
    // What is missing is told apart from what is wrong: valibot has it as undefined.
    if (issue.input === undefined) throw queryError(`${read}: ${path} is missing`);
    const message = issue.message.startsWith("must") ? issue.message : `must be an object`;
    throw queryError(`${read}: ${path} ${message}, found ${shown(issue.input)}`);
  });
}

function billOf<Page extends { readonly data: readonly unknown[]; readonly has_more: boolean }>(
  provider: ProviderBill["provider"],
  read: string,
  pages: readonly Page[],
  bucketOf: (bucket: Page["data"][number], place: string) => Bucket,
): ProviderBill {
  const days = new Map<number, string>();
  const lines: BillLine[] = [];
  for (const [pageIndex, { data }] of pages.entries()) {
    for (const [index, raw] of data.entries()) {
      const place = `pages[${pageIndex}].data[${index}]`;
      const { from, to, results } = bucketOf(raw, place);
      if (from % day !== 0 || to - from !== day)
        throw queryError(`${read}: ${place} is no UTC day: ask for buckets of 1d`);
      const before = days.get(from);
      if (before !== undefined) {
        const date = new Date(from).toISOString().slice(0, 10);
        throw queryError(`${read}: ${place} and ${before} are both of ${date}: give every page once`);
      }
      days.set(from, place);
      lines.push(...results.map((result) => ({ provider, from, to, ...result })));
    }
  }
  const complete = pages.some((page) => !page.has_more);
  return { provider, complete, days: [...days.keys()].toSorted((left, right) => left - right), lines };
}

function amountOf(read: string, path: string, currency: string, value: string, unitsPerUsd: 1 | 100): bigint {
  if (currency.toUpperCase() !== "USD") throw queryError(`${read}: ${path} must be in USD, found ${shown(currency)}`);
  const nanoUsd = nanoUsdOf(value, unitsPerUsd);
  if (nanoUsd === undefined) throw queryError(`${read}: ${path} must be a decimal, found ${shown(value)}`);
  return nanoUsd;
}

/** `gpt-5-2025-08-07, input` is of that model; `web search tool calls` is of none. */
function modelOfLineItem(lineItem: string | null): string | null {
  const [, model = null] = /^([a-z\d][\w.:/-]*)(?:,|$)/i.exec(lineItem ?? "") ?? [];
  return model;
}

const day = 24 * 60 * 60_000;
