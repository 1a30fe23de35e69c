import { ledgerError, ledgerErrorReason, type LedgerErrorReason, type LedgerStoreError } from "../ledger-error.ts";

/** What an error of SQLite or of the file system means for the ledger. Errors of ours stay what they are. */
export function sqliteError(file: string, error: unknown): LedgerStoreError {
  if (ledgerErrorReason(error) !== undefined) return error as LedgerStoreError;
  const [reason, happened, advice] = meanings[sqliteCode(error) ?? ""] ?? unknownMeaning;
  const detail = error instanceof Error ? error.message : String(error);
  // A question that the reader does not take says so itself.
  if (detail.startsWith("[meterbridge]")) return ledgerError("refused", detail, error);
  return storeError(reason, file, `${happened} (${detail})`, advice);
}

/**
 * The same for an append, which is refused for its rows alone: whoever sends it takes such a row out and drops it. Where the database is
 * at fault (damaged, replaced, upgraded by a newer process, a table gone), rows have to wait until somebody has seen to it.
 */
export function appendError(file: string, error: unknown): LedgerStoreError {
  const found = sqliteError(file, error);
  const isUnfit = ledgerErrorReason(error) === undefined && (error instanceof TypeError || hasUnfitValue(error));
  return isUnfit ? found : ledgerError("unavailable", found.message, error);
}

function hasUnfitValue(error: unknown): boolean {
  return /^(?:CONSTRAINT|MISMATCH|TOOBIG)$/.test(sqliteCode(error) ?? "");
}

/** `[meterbridge] [ledger] [sqlite] <file>: what happened; what to do`. */
export function storeError(
  reason: LedgerErrorReason,
  file: string,
  happened: string,
  advice: string,
  cause?: unknown,
): LedgerStoreError {
  return ledgerError(reason, `[meterbridge] [ledger] [sqlite] ${file}: ${happened}; ${advice}`, cause);
}

/** `BUSY`, `FULL` and so on, for whichever library; the code of a system call (`EROFS`); undefined for anything else. */
export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown };
  // The low byte is the primary code, the rest says more about it.
  if (typeof errcode === "number") return primaryCodes[errcode & 0xff];
  if (typeof code !== "string") return undefined;
  return /^SQLITE_([A-Z]+)/.exec(code)?.[1] ?? code;
}

/** After these the connection is no good: the file may have gone, or come back. */
export function endsConnection(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== undefined && /^(?:READONLY|IOERR|CORRUPT|CANTOPEN|NOTADB|PROTOCOL|NOMEM)$/.test(code);
}

const primaryCodes: Readonly<Record<number, string>> = {
  1: "ERROR",
  3: "PERM",
  5: "BUSY",
  6: "LOCKED",
  7: "NOMEM",
  8: "READONLY",
  10: "IOERR",
  11: "CORRUPT",
  13: "FULL",
  14: "CANTOPEN",
  15: "PROTOCOL",
  18: "TOOBIG",
  19: "CONSTRAINT",
  20: "MISMATCH",
  26: "NOTADB",
};

type Meaning = readonly [reason: LedgerErrorReason, happened: string, advice: string];

const busy: Meaning = [
  "unavailable",
  "another process kept the database locked for too long",
  "look for what holds it open in a transaction, or raise busyTimeoutMillis",
];
const full: Meaning = ["unavailable", "the disk is full", "free some space, writing then goes on by itself"];
const readOnly: Meaning = [
  "unavailable",
  "the file or its directory cannot be written",
  "let this process's user write both, or name another file",
];
const disk: Meaning = ["unavailable", "the disk or file system failed", "look into the system's log"];
const notADatabase: Meaning = [
  "refused",
  "this is no SQLite database, or an encrypted one",
  "name another file; it has not been touched",
];
const wrongPath: Meaning = ["refused", "there is no file to be made at this path", "name another file"];
const misfit: Meaning = [
  "refused",
  "the tables did not take it",
  "rows are checked before, so either somebody changed the tables or this is an error in Meterbridge",
];
const unknownMeaning: Meaning = ["refused", "it could not be done", "this is an error in Meterbridge"];

const meanings: Readonly<Record<string, Meaning>> = {
  BUSY: busy,
  LOCKED: busy,
  PROTOCOL: busy,
  FULL: full,
  ENOSPC: full,
  EDQUOT: full,
  READONLY: readOnly,
  CANTOPEN: readOnly,
  PERM: readOnly,
  EACCES: readOnly,
  EPERM: readOnly,
  EROFS: readOnly,
  IOERR: disk,
  EIO: disk,
  // What a missing directory on a read-only file system gives, too.
  ENOENT: readOnly,
  EMFILE: ["unavailable", "the process has too many files open", "raise its limit of open files"],
  ENFILE: ["unavailable", "the system has too many files open", "raise its limit of open files"],
  NOMEM: ["unavailable", "there is no memory left", "give the process more"],
  NOTADB: notADatabase,
  CORRUPT: ["refused", "the database is damaged", "restore it from a backup, or rescue it with `sqlite3 … .recover`"],
  EISDIR: wrongPath,
  ENOTDIR: wrongPath,
  ENAMETOOLONG: wrongPath,
  ERROR: misfit,
  CONSTRAINT: misfit,
  MISMATCH: misfit,
  TOOBIG: misfit,
};
