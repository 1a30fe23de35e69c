import type { MemoryStore } from "@meterbridge/testkit";
import { describe, expect, test } from "vitest";
import { readAnthropicCosts, readOpenAiCosts } from "../src/proof/provider-bills.ts";
import { isQueryError } from "../src/queries/query-error.ts";
import { reconcile } from "../src/proof/reconcile.ts";
import { openMemoryStore, unpricedCall, usageRow } from "./support/queries-rows.ts";

const seconds = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 1000;

/** As OpenAI answers with `group_by=line_item`. */
function openAiBucket(
  date: string,
  items: readonly (readonly [lineItem: string | null, value: number | string])[],
): object {
  return {
    object: "bucket",
    start_time: seconds(date),
    end_time: seconds(date) + 86_400,
    results: items.map(([line_item, value]) => ({
      object: "organization.costs.result",
      amount: { value, currency: "usd" },
      line_item,
      project_id: null,
    })),
  };
}

const openAiPages = [
  {
    object: "page",
    data: [
      openAiBucket("2026-11-01", [
        ["gpt-5-2025-08-07, input", 0.00125],
        ["gpt-5-2025-08-07, output", "0.0010000000000000"],
      ]),
      openAiBucket("2026-11-02", []),
    ],
    has_more: true,
    next_page: "page_AAAAAGc",
  },
  {
    object: "page",
    data: [
      openAiBucket("2026-11-03", [
        ["gpt-5-2025-08-07, input", 2.25e-3],
        ["web search tool calls", 0.01],
      ]),
    ],
    has_more: false,
    next_page: null,
  },
];

const anthropicPage = {
  data: [
    {
      starting_at: "2026-11-01T00:00:00Z",
      ending_at: "2026-11-02T00:00:00Z",
      results: [
        {
          amount: "123.78912",
          currency: "USD",
          cost_type: "tokens",
          description: "Claude Sonnet 4.5 Usage - Input Tokens",
          model: "claude-sonnet-4-5-20250929",
          context_window: "0-200k",
          service_tier: "standard",
          token_type: "uncached_input_tokens",
          workspace_id: null,
        },
      ],
    },
  ],
  has_more: false,
  next_page: null,
};

describe("a bill of OpenAI", () => {
  test("is read from all pages, to the nano-dollar, with models where they are told", () => {
    const bill = readOpenAiCosts(openAiPages);
    expect([bill.provider, bill.complete, bill.days.length]).toEqual(["openai", true, 3]);
    expect(bill.lines.map(({ model, nanoUsd }) => [model, nanoUsd])).toEqual([
      ["gpt-5-2025-08-07", 1_250_000n],
      ["gpt-5-2025-08-07", 1_000_000n],
      ["gpt-5-2025-08-07", 2_250_000n],
      [null, 10_000_000n],
    ]);
  });

  test("may be one page, and says so when pages are missing", () => {
    expect(readOpenAiCosts(openAiPages[0]).complete).toBe(false);
    expect(readOpenAiCosts(openAiPages[1]).complete).toBe(true);
  });
});

describe("a bill of Anthropic", () => {
  test("is read in cents: 123.78912 is 1.2378912 USD and not 123", () => {
    const bill = readAnthropicCosts(anthropicPage);
    expect(bill.lines).toEqual([
      {
        provider: "anthropic",
        from: Date.parse("2026-11-01"),
        to: Date.parse("2026-11-02"),
        model: "claude-sonnet-4-5-20250929",
        lineItem: "Claude Sonnet 4.5 Usage - Input Tokens",
        nanoUsd: 1_237_891_200n,
      },
    ]);
  });
});

describe("a bill that cannot be read", () => {
  const bucket = (change: object): unknown => ({
    data: [{ ...openAiBucket("2026-11-01", [["gpt-5", 1]]), ...change }],
  });
  const amount = (value: unknown, currency: unknown = "usd"): unknown =>
    bucket({ results: [{ amount: { value, currency } }] });
  const anthropic = (change: object): unknown => ({ data: [{ ...anthropicPage.data[0], ...change }] });

  test.each<[string, () => unknown, string]>([
    ["nothing", () => readOpenAiCosts(undefined), "readOpenAiCosts: page is missing"],
    ["a text", () => readOpenAiCosts("{}"), 'readOpenAiCosts: page must be an object, found "{}"'],
    ["an error answer", () => readOpenAiCosts({ error: { message: "no" } }), "readOpenAiCosts: page.data is missing"],
    [
      "no results",
      () => readOpenAiCosts([{ data: [{ start_time: 0, end_time: 86_400 }] }]),
      "readOpenAiCosts: pages[0].data[0].results is missing",
    ],
    [
      "no amount",
      () => readOpenAiCosts(bucket({ results: [{ line_item: "x" }] })),
      "readOpenAiCosts: page.data[0].results[0].amount is missing",
    ],
    [
      "a null amount",
      () => readOpenAiCosts(amount(null)),
      "readOpenAiCosts: page.data[0].results[0].amount.value must be a number or a decimal text, found null",
    ],
    [
      "an amount of words",
      () => readOpenAiCosts(amount("much")),
      'readOpenAiCosts: pages[0].data[0].results[0].amount must be a decimal, found "much"',
    ],
    [
      "NaN",
      () => readOpenAiCosts(amount(Number.NaN)),
      "readOpenAiCosts: page.data[0].results[0].amount.value must be a number",
    ],
    [
      "another currency",
      () => readOpenAiCosts(amount(1, "eur")),
      'readOpenAiCosts: pages[0].data[0].results[0].amount must be in USD, found "eur"',
    ],
    [
      "hours",
      () => readOpenAiCosts(bucket({ end_time: seconds("2026-11-01") + 3600 })),
      "readOpenAiCosts: pages[0].data[0] is no UTC day: ask for buckets of 1d",
    ],
    [
      "milliseconds",
      () => readOpenAiCosts(bucket({ start_time: 1.5 })),
      "readOpenAiCosts: page.data[0].start_time must be whole Unix seconds, found 1.5",
    ],
    [
      "a page twice",
      () => readOpenAiCosts([openAiPages[1], openAiPages[1]]),
      "readOpenAiCosts: pages[1].data[0] and pages[0].data[0] are both of 2026-11-03: give every page once",
    ],
    [
      "numbers for cents",
      () => readAnthropicCosts(anthropic({ results: [{ amount: 12, currency: "USD" }] })),
      "readAnthropicCosts: page.data[0].results[0].amount must be a decimal text of cents, found 12",
    ],
    [
      "no times",
      () => readAnthropicCosts(anthropic({ starting_at: "November" })),
      'readAnthropicCosts: page.data[0].starting_at must be an RFC 3339 time, found "November"',
    ],
    [
      "OpenAI's bill for Anthropic's",
      () => readAnthropicCosts(openAiPages[0]),
      "readAnthropicCosts: page.data[0].starting_at is missing",
    ],
  ])("names the path: %s", (_what, read, message) => {
    let error: unknown;
    try {
      read();
    } catch (reason) {
      error = reason;
    }
    expect(isQueryError(error)).toBe(true);
    expect((error as Error).message).toContain(`[meterbridge] [ledger] ${message}`);
  });
});

describe("reconciliation", () => {
  async function store(): Promise<MemoryStore> {
    const rows = openMemoryStore();
    await rows.append([
      usageRow(1, "2026-11-01T10:00:00Z"),
      usageRow(2, "2026-11-02T10:00:00Z", unpricedCall),
      usageRow(3, "2026-11-03T23:59:59Z"),
      usageRow(4, "2026-11-03T10:00:00Z", { provider: "anthropic", model: "claude-sonnet-4-5" }),
      usageRow(5, "2026-11-04T00:00:00Z"),
      usageRow(6, "2026-11-03T10:00:00Z", { kind: "task" }),
    ]);
    return rows;
  }

  test("tells what is ours and theirs on each day, what is off, and which calls had no price", async () => {
    const result = await reconcile(await store(), readOpenAiCosts(openAiPages));
    expect(result.days).toEqual([
      {
        day: "2026-11-01",
        oursNanoUsd: 2_250_000n,
        theirsNanoUsd: 2_250_000n,
        differenceNanoUsd: 0n,
        share: 0,
        unpriced: 0,
        agrees: true,
      },
      {
        day: "2026-11-02",
        oursNanoUsd: 0n,
        theirsNanoUsd: 0n,
        differenceNanoUsd: 0n,
        share: null,
        unpriced: 1,
        agrees: true,
      },
      {
        day: "2026-11-03",
        oursNanoUsd: 2_250_000n,
        theirsNanoUsd: 12_250_000n,
        differenceNanoUsd: -10_000_000n,
        share: -10 / 12.25,
        unpriced: 0,
        agrees: false,
      },
    ]);
    expect(result.summary).toBe(
      "openai, 2026-11-01 to 2026-11-03: ours 0.004500000 USD, theirs 0.014500000 USD, difference -0.010000000 USD (-68.97 %); " +
        "2 of 3 days agree within 1 %; calls without a price: 1 on 2026-11-02",
    );
    expect(result.agrees).toBe(false);
  });

  test("finds the model behind a dated name, and keeps what is billed for no model apart", async () => {
    const { items } = await reconcile(await store(), readOpenAiCosts(openAiPages));
    expect(items.map(({ day, item, differenceNanoUsd, unpriced }) => [day, item, differenceNanoUsd, unpriced])).toEqual(
      [
        ["2026-11-01", "gpt-5", 0n, 0],
        ["2026-11-02", "gpt-5", 0n, 1],
        ["2026-11-03", "gpt-5", 0n, 0],
        ["2026-11-03", "web search tool calls", -10_000_000n, 0],
      ],
    );
    const untold = readOpenAiCosts({ data: [openAiBucket("2026-11-01", [[null, 1]])], has_more: false });
    expect((await reconcile(await store(), untold)).items).toEqual([]);
  });

  test("looks at the days of the bill alone, also where it leaves some out", async () => {
    const gap = readOpenAiCosts([openAiPages[1], { data: [openAiBucket("2026-11-01", [])], has_more: false }]);
    const result = await reconcile(await store(), gap);
    expect(result.days.map(({ day, oursNanoUsd }) => [day, oursNanoUsd])).toEqual([
      ["2026-11-01", 2_250_000n],
      ["2026-11-03", 2_250_000n],
    ]);
    expect(result.total.oursNanoUsd).toBe(4_500_000n);
  });

  test("agrees within the tolerance and not a nano-dollar beyond", async () => {
    const ledger = openMemoryStore();
    await ledger.append([usageRow(1, "2026-11-01T10:00:00Z", { costNanoUsd: 1_010_000_000n })]);
    const billed = readOpenAiCosts({ data: [openAiBucket("2026-11-01", [["gpt-5", 1]])], has_more: false });
    expect((await reconcile(ledger, billed)).agrees).toBe(true);
    expect((await reconcile(ledger, billed, { tolerance: 0.0099 })).agrees).toBe(false);
    expect((await reconcile(ledger, billed, { tolerance: 0 })).agrees).toBe(false);
    await ledger.append([usageRow(2, "2026-11-01T10:00:00Z", { costNanoUsd: 1n })]);
    expect((await reconcile(ledger, billed)).agrees).toBe(false);
  });

  test("of Anthropic's bill", async () => {
    const ledger = openMemoryStore();
    await ledger.append([
      usageRow(1, "2026-11-01T10:00:00Z", {
        provider: "anthropic",
        model: "claude-sonnet-4-5",
        costNanoUsd: 1_237_891_200n,
      }),
    ]);
    const result = await reconcile(ledger, readAnthropicCosts(anthropicPage), { tolerance: 0 });
    expect([result.agrees, result.items.map(({ item }) => item)]).toEqual([true, ["claude-sonnet-4-5"]]);
  });

  test("says when the bill is not complete, and refuses what it cannot weigh", async () => {
    const { summary } = await reconcile(await store(), readOpenAiCosts(openAiPages[0]));
    expect(summary).toMatch(/; the bill is not complete: fetch the pages that follow$/);
    for (const tolerance of [-1, 2, Number.NaN, Infinity]) {
      await expect(reconcile(await store(), readOpenAiCosts(openAiPages), { tolerance })).rejects.toThrow(
        /tolerance must be a share from 0 to 1/,
      );
    }
    await expect(reconcile(await store(), readOpenAiCosts({ data: [] }))).rejects.toThrow(/covers no day/);
  });
});
