import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { exportRows, type ExportOptions } from "../src/proof/export-rows.ts";
import { ledgerColumns } from "../src/ledger-columns.ts";
import type { LedgerStore } from "../src/ledger-store.ts";
import { openMemoryStore, unpricedCall, usageRow } from "./support/queries-rows.ts";

const november = { from: "2026-11-01", to: "2026-11-30" };

async function chunks(store: LedgerStore, options: ExportOptions): Promise<string[]> {
  const all: string[] = [];
  for await (const chunk of exportRows(store, options)) all.push(chunk);
  return all;
}

/** RFC 4180 by hand, so that what is written is read by somebody else's rules. */
function readCsv(text: string): string[][] {
  const records: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    records.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain!);
    if (end === "\r\n") records.push([]);
  }
  return records.slice(0, -1);
}

async function csvCells(store: LedgerStore): Promise<Record<string, string>[]> {
  const [header = [], ...records] = readCsv((await chunks(store, { ...november, format: "csv" })).join(""));
  return records.map((record) => {
    expect(record).toHaveLength(header.length);
    return Object.fromEntries(header.map((name, index) => [name, record[index]!]));
  });
}

describe("an export to CSV", () => {
  test("has a header, ISO times, money in nano-USD and USD, and nothing for what is not known", async () => {
    const store = openMemoryStore();
    await store.append([usageRow(1, "2026-11-21T10:00:00.123Z"), usageRow(2, "2026-11-21T10:00:01Z", unpricedCall)]);
    const [header, first, second] = (await chunks(store, { ...november, format: "csv" })).join("").split("\r\n");
    expect(header).toBe(
      "tenant,event_id,captured_at,occurred_at,kind,employee,project,process,execution,user_id,provider,model,name," +
        "input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,reasoning_tokens,cost_nano_usd,cost_usd,cost_status," +
        "price_book,unpriced,inference_micros,queue_micros,is_success,error_type,usage_source,attempts,corrects," +
        "response_model,service_tier",
    );
    expect(first).toBe(
      "acme,01a1fd8c-697b-7000-8000-000000000001,2026-11-21T10:00:00.123Z,2026-11-21T10:00:00.123Z,llm_call,ada,search,,,," +
        "openai,gpt-5,,1000,100,,,,2250000,0.002250000,priced,genai-prices@0.1.8,0,800000,,true,,provider,1,,,",
    );
    expect(second).toContain(",1000,100,,,,,,unpriced,,1,");
  });

  test.each([
    "=1+1",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    '=HYPERLINK("http://x","y")',
    "=cmd|' /C calc'!A0",
  ])("keeps a spreadsheet from running a name as a formula: %j", async (project) => {
    const store = openMemoryStore();
    await store.append([usageRow(1, "2026-11-21T10:00:00Z", { project, tenant: project })]);
    const [record] = await csvCells(store);
    expect([record!["project"], record!["tenant"]]).toEqual([`'${project}`, `'${project}`]);
  });

  test("leaves the minus of money and of counts alone: they are numbers", async () => {
    const store = openMemoryStore();
    await store.append([usageRow(1, "2026-11-21T10:00:00Z", { costNanoUsd: -5n, unpriced: -1, corrects: "x" })]);
    const [record] = await csvCells(store);
    expect([record!["cost_nano_usd"], record!["cost_usd"], record!["unpriced"]]).toEqual(["-5", "-0.000000005", "-1"]);
  });

  test.each(["a,b", 'say "hi"', "two\r\nlines", "", "'quoted'", "naïve – 日本 🎉", '","'])(
    "gives back any text: %j",
    async (employee) => {
      const store = openMemoryStore();
      await store.append([usageRow(1, "2026-11-21T10:00:00Z", { employee })]);
      expect((await csvCells(store))[0]!["employee"]).toBe(employee);
    },
  );

  test("tells an empty text from one that is not known", async () => {
    const store = openMemoryStore();
    await store.append([usageRow(1, "2026-11-21T10:00:00Z", { employee: "", project: null })]);
    expect((await chunks(store, { ...november, format: "csv" }))[1]).toContain(',llm_call,"",,');
  });
});

describe("an export to NDJSON", () => {
  test("has the same columns with the same types in every line, and null for what is not known, as Parquet wants", async () => {
    const store = openMemoryStore();
    await store.append([
      usageRow(1, "2026-11-21T10:00:00Z", { costNanoUsd: 9_000_000_000_000_000n }),
      usageRow(2, "2026-11-21T10:00:00Z", unpricedCall),
      usageRow(3, "2026-11-21T10:00:00Z", { kind: "task" }),
    ]);
    const lines = (await chunks(store, { ...november, format: "ndjson" })).join("").trimEnd().split("\n");
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const columns = Object.keys(records[0]!);
    expect(columns.filter((name) => name !== "cost_usd")).toEqual(ledgerColumns.map(({ column }) => column));
    for (const name of columns) {
      const types = new Set(
        records
          .map((record) => record[name])
          .filter((value) => value !== null)
          .map((value) => typeof value),
      );
      expect(types.size).toBeLessThanOrEqual(1);
      expect(records.every((record) => Object.hasOwn(record, name))).toBe(true);
    }
    expect([records[0]!["cost_nano_usd"], records[0]!["cost_usd"], records[1]!["cost_nano_usd"]]).toEqual([
      9e15,
      "9000000.000000000",
      null,
    ]);
    expect(records[0]!["occurred_at"]).toBe("2026-11-21T10:00:00.000Z");
  });

  test("leaves texts as they are: formulas are a matter of spreadsheets", async () => {
    const store = openMemoryStore();
    await store.append([usageRow(1, "2026-11-21T10:00:00Z", { project: "=1+1\n" })]);
    const [line] = await chunks(store, { ...november, format: "ndjson" });
    expect((JSON.parse(line!) as Record<string, unknown>)["project"]).toBe("=1+1\n");
  });
});

describe("an export", () => {
  test("of more rows than a page has each once, in a stable order, in chunks", async () => {
    const store = openMemoryStore();
    const rows = Array.from({ length: 2500 }, (_, index) =>
      usageRow(index, Date.parse("2026-11-21T10:00:00Z") + (index % 7)),
    );
    await store.append(rows);
    await store.append([usageRow(1, "2026-11-02T10:00:00Z", { tenant: "Zeta" }), usageRow(1, "2026-12-01T00:00:00Z")]);
    const parts = await chunks(store, { ...november, format: "ndjson" });
    const ids = parts
      .join("")
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { event_id: string }).event_id);
    expect([parts.length, ids.length, new Set(ids).size]).toEqual([4, 2501, 2501]);
    expect(await chunks(store, { ...november, format: "ndjson" })).toEqual(parts);
    const one = await chunks(store, { ...november, tenant: "Zeta", format: "ndjson" });
    expect(one.join("")).toBe(parts[0]);
  });

  test("of nothing is a header alone, or empty", async () => {
    expect((await chunks(openMemoryStore(), { ...november, format: "csv" })).length).toBe(1);
    expect(await chunks(openMemoryStore(), { ...november, format: "ndjson" })).toEqual([]);
  });

  test.each([
    [{ ...november, format: "xlsx" }, 'exportRows: format must be csv or ndjson, found "xlsx"'],
    [{ ...november, format: "constructor" }, "exportRows: format must be csv or ndjson"],
    [{ from: "2026-11-30", to: "2026-11-01", format: "csv" }, "exportRows: from must be before to"],
    [{ from: "1800-01-01", to: "2026-11-01", format: "csv" }, "exportRows: from must be from 1970 to 2199"],
  ])("names what is wrong in %j", async (options, message) => {
    await expect(chunks(openMemoryStore(), options as ExportOptions)).rejects.toThrow(
      `[meterbridge] [ledger] ${message}`,
    );
  });

  test("refuses a window of which half is forgotten, instead of looking whole", async () => {
    const store = openMemoryStore();
    await store.retain(new Date("2026-11-01T00:00:00Z"));
    await expect(chunks(store, { from: "2026-10-31", to: "2026-11-30", format: "csv" })).rejects.toThrow(
      /rows before are forgotten/,
    );
    expect(await chunks(store, { ...november, format: "csv" })).toHaveLength(1);
  });
});

describe("the documentation of the export", () => {
  test("names every column to DuckDB, so that a Parquet file made by it lacks none", async () => {
    const documentation = readFileSync(path.join(import.meta.dirname, "../../../docs/usage-queries.md"), "utf8");
    const [, columns = ""] = /read_ndjson\('usage\.ndjson', columns = \{([^}]*)\}/.exec(documentation) ?? [];
    const store = openMemoryStore();
    await store.append([usageRow(1, "2026-11-21T10:00:00Z")]);
    const [line = "{}"] = await chunks(store, { ...november, format: "ndjson" });
    expect([...columns.matchAll(/(\w+): '/g)].map(([, name]) => name)).toEqual(Object.keys(JSON.parse(line) as object));
  });
});

describe("an export while retention forgets rows", () => {
  test("ends with an error: half an answer would look whole", async () => {
    const store = openMemoryStore();
    await store.append(
      Array.from({ length: 1500 }, (_, index) => usageRow(index, Date.parse("2026-11-02T00:00:00Z") + index)),
    );
    const exported = exportRows(store, { ...november, format: "ndjson" });
    expect((await exported.next()).value?.split("\n")).toHaveLength(1001);
    await store.retain(new Date("2026-12-01T00:00:00Z"));
    const rest = async (): Promise<void> => {
      for await (const _ of exported);
    };
    await expect(rest()).rejects.toThrow(
      "exportRows: from must not be before 2026-12-01T00:00:00.000Z, since the rows before are forgotten (retention)",
    );
  });
});
