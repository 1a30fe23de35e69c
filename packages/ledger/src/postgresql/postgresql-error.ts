import { ledgerError, type LedgerErrorReason, ledgerErrorReason, type LedgerStoreError } from "../ledger-error.ts";

/** The SQLSTATE of a database's error; undefined for any other, such as that of a socket. */
function sqlStateOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { readonly code?: unknown }).code : undefined;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith("E") ? code : undefined;
}

/** Whether the transaction lost against another one and was rolled back whole: the same at once may succeed. */
export function isRetriable(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === "40P01" || state === "40001";
}

/**
 * Whether the connection is of no more use: it is gone, its state is not known, or it leads to a server that is read-only,
 * shutting down or full, while a new one may lead elsewhere.
 */
export function isBroken(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === undefined || !/^(?:2[123]|3F|4[02]|54|0A)/.test(state);
}

/** Whether an error of the store says that tables, or their schema, are not there. */
export function isWithoutTables(error: unknown): boolean {
  const state = sqlStateOf(error instanceof Error ? error.cause : undefined);
  return state === "42P01" || state === "3F000";
}

/**
 * Any error of a call as the store's. Data that the database does not take are refused; everything else may work later, the
 * schema too: somebody may be migrating, and rows wait meanwhile. The server's text never holds a password.
 */
export function storeError(error: unknown, doing: string, location: string): LedgerStoreError {
  if (ledgerErrorReason(error) !== undefined) return error as LedgerStoreError;
  const state = sqlStateOf(error);
  const advice = adviceFor(state);
  const found = `${textOf(error)}${state === undefined ? "" : ` (${state})`}${advice === undefined ? "" : `; ${advice}`}`;
  return ledgerError(
    reasonOf(state),
    `[meterbridge] [ledger] [postgresql] cannot ${doing} ${location}: ${found}`,
    error,
  );
}

/** 22 is for wrong values, 23 for broken constraints, 54 for what is too large, such as a key that no index holds. */
function reasonOf(state: string | undefined): LedgerErrorReason {
  return state !== undefined && /^(?:22|23|54)/.test(state) ? "refused" : "unavailable";
}

function adviceFor(state: string | undefined): string | undefined {
  if (state === undefined) return undefined;
  if (state.startsWith("28")) return "check user and password of the URL, and the server's pg_hba.conf";
  if (state === "3D000") return "create the database, or name another one in the URL";
  if (state === "42501")
    return "grant the role USAGE on the schema, SELECT on its tables, INSERT on usage_events, and INSERT and UPDATE on the rollups";
  if (state === "26000" || state === "42P05") return 'through PgBouncer before 1.21 set option "prepare" to false';
  if (/^(?:42|3F|0A)/.test(state))
    return "the tables are not as they should be: run migrate() with a role that owns them";
  if (state === "25006") return "the server is a replica, or set to read-only";
  if (state === "53300") return "raise max_connections, or put fewer connections into the pools";
  if (state === "53100") return "make room on the server's disk";
  return undefined;
}

/** Several addresses that refused come as one error without a text. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return error.message || (first instanceof Error ? first.message : error.name);
}
