/**
 * The operation of an SQL statement, `SELECT`, `INSERT`, …: its first word, where that is a word of SQL. Nothing else of the
 * statement is looked at: what follows may hold values.
 */
export function sqlOperation(statement: unknown): string | undefined {
  if (typeof statement !== "string") return undefined;
  const start = firstWordAt(statement);
  if (start === undefined) return undefined;
  word.lastIndex = start;
  const operation = word.exec(statement)?.[0].toUpperCase();
  return operation !== undefined && operations.has(operation) ? operation : undefined;
}

const word = /[a-z]{1,16}/iy;
const space = /[\s(]*/y;
/** Tools write who asks into comments before a statement; more than a few of them are looked through by nobody. */
const mostComments = 8;

function firstWordAt(statement: string): number | undefined {
  let position = 0;
  for (let comments = 0; comments <= mostComments; comments++) {
    space.lastIndex = position;
    space.exec(statement);
    position = space.lastIndex;
    const end = commentEnd(statement, position);
    if (end === undefined) return position;
    if (end === -1) return undefined;
    position = end;
  }
  return undefined;
}

/** Where the comment at the position ends; -1 when it does not, undefined when there is none. */
function commentEnd(statement: string, position: number): number | undefined {
  const [closing, length] = statement.startsWith("--", position)
    ? (["\n", 1] as const)
    : statement.startsWith("/*", position)
      ? (["*/", 2] as const)
      : [undefined, 0];
  if (closing === undefined) return undefined;
  const end = statement.indexOf(closing, position + 2);
  return end === -1 ? -1 : end + length;
}

const operations: ReadonlySet<string> = new Set([
  "ALTER",
  "ANALYZE",
  "BEGIN",
  "CALL",
  "CLOSE",
  "COMMIT",
  "COPY",
  "CREATE",
  "DEALLOCATE",
  "DECLARE",
  "DELETE",
  "DISCARD",
  "DO",
  "DROP",
  "END",
  "EXECUTE",
  "EXPLAIN",
  "FETCH",
  "GRANT",
  "INSERT",
  "LISTEN",
  "LOAD",
  "LOCK",
  "MERGE",
  "NOTIFY",
  "OPTIMIZE",
  "PREPARE",
  "REFRESH",
  "REINDEX",
  "RELEASE",
  "REPLACE",
  "RESET",
  "REVOKE",
  "ROLLBACK",
  "SAVEPOINT",
  "SELECT",
  "SET",
  "SHOW",
  "START",
  "TABLE",
  "TRUNCATE",
  "UNLISTEN",
  "UPDATE",
  "USE",
  "VACUUM",
  "VALUES",
  "WITH",
]);
