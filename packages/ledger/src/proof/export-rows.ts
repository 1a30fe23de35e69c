import { ledgerColumns, type LedgerColumn } from "../ledger-columns.ts";
import type { LedgerRow } from "../ledger-row.ts";
import type { LedgerStore } from "../ledger-store.ts";
import { queryError, shown } from "../queries/query-error.ts";
import { usdText } from "../queries/query-money.ts";
import { pagesOf, refuseForgotten, tenantsOf, windowOf, type ProofWindow } from "../queries/query-window.ts";

export interface ExportOptions extends ProofWindow {
  /**
   * `csv`: RFC 4180 with a header, for spreadsheets: a text that one would run as a formula gets a `'` before it. `ndjson`: a
   * flat object a line, the same columns in each, one type per column and null for what is not known; for machines.
   */
  readonly format: "csv" | "ndjson";
}

/**
 * Writes rows as text: chunks of 1000 rows, tenants in the order of their code units, each tenant's rows oldest first. The
 * columns are those of `usage_events`, and `cost_usd` with nine digits; times are ISO 8601. Corrections are rows too: what an
 * event costs is the sum of its own row and of those whose `corrects` names it.
 * @throws RangeError when the window or the format is wrong, or rows in the window are forgotten; at the end too, where retention
 * came in between.
 */
export async function* exportRows(store: LedgerStore, options: ExportOptions): AsyncGenerator<string, void, undefined> {
  const { format, tenant } = options;
  const writer = Object.hasOwn(writers, format) ? writers[format] : undefined;
  if (writer === undefined) throw queryError(`exportRows: format must be csv or ndjson, found ${shown(format)}`);
  const range = await windowOf("exportRows", store, options);
  if (writer.header !== "") yield writer.header;
  for (const each of await tenantsOf(store, tenant)) {
    for await (const rows of pagesOf(store, each, range)) {
      yield rows.map((row) => writer.line(cellsOf(row))).join("");
    }
  }
  await refuseForgotten("exportRows", store, range);
}

type Cell = string | number | boolean | null;

const costColumn = ledgerColumns.findIndex(({ field }) => field === "costNanoUsd") + 1;
const names: readonly string[] = ledgerColumns.map(({ column }) => column).toSpliced(costColumn, 0, "cost_usd");

const writers: Readonly<Record<ExportOptions["format"], { header: string; line(cells: readonly Cell[]): string }>> = {
  csv: {
    header: `${names.join(",")}\r\n`,
    line: (cells) => `${cells.map(csvCell).join(",")}\r\n`,
  },
  ndjson: {
    header: "",
    line: (cells) => `${JSON.stringify(Object.fromEntries(names.map((name, index) => [name, cells[index]])))}\n`,
  },
};

function cellsOf(row: LedgerRow): Cell[] {
  const cost = row.costNanoUsd === null ? null : usdText(row.costNanoUsd);
  return ledgerColumns.map((column) => cellOf(row, column)).toSpliced(costColumn, 0, cost);
}

function cellOf(row: LedgerRow, { field, type }: LedgerColumn): Cell {
  const value = row[field];
  // A row's money is exact as a number.
  if (typeof value === "bigint") return Number(value);
  return type === "time" && typeof value === "number" ? new Date(value).toISOString() : value;
}

/** Nothing for null, `""` for the empty text. */
function csvCell(cell: Cell, index: number): string {
  if (cell === null) return "";
  if (typeof cell !== "string") return String(cell);
  // Money with a minus is a number, not a formula.
  const safe = index !== costColumn && /^[=+\-@\t\r\n]/.test(cell) ? `'${cell}` : cell;
  return safe === "" || /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
