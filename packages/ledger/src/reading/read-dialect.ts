import type { RawBuilder, Sql } from "kysely";

/** A piece of SQL with its parameters. */
export type Piece = RawBuilder<unknown>;
export type SqlRecord = Readonly<Record<string, unknown>>;
export type Run = (sql: string, parameters: readonly unknown[]) => Promise<readonly SqlRecord[]>;

/** What the two databases say differently, so that every statement is written once. */
export interface ReadDialect {
  readonly name: "sqlite" | "postgresql";
  readonly sql: Sql;
  table(name: string): Piece;
  column(table: string, name: string): Piece;
  /** A time column as Unix milliseconds. */
  milliseconds(time: Piece): Piece;
  /** What a time column is compared with: a number of Unix milliseconds, or SQL that gives one. */
  moment(milliseconds: number | Piece): Piece;
  /** An integer as it leaves the database: as text, where an application's own parsers would make a float of it. */
  integer(value: Piece): Piece;
  /**
   * Selects from a list that travels as one parameter, since databases limit how many there may be (SQLite 32,766, PostgreSQL
   * 65,535).
   */
  list(items: readonly (readonly (string | number)[])[], columns: Readonly<Record<string, "text" | "bigint">>): Piece;
  run(statement: Piece): Promise<readonly SqlRecord[]>;
}

/** Loads kysely, which only readers need. */
export async function loadDialect(
  name: ReadDialect["name"],
  schema: string | undefined,
  run: Run,
): Promise<ReadDialect> {
  const { DummyDriver, Kysely, PostgresAdapter, PostgresQueryCompiler, SqliteAdapter, SqliteQueryCompiler, sql } =
    await import("kysely");
  const isSqlite = name === "sqlite";
  // It only ever compiles: statements are run by the store.
  const compiler = new Kysely<unknown>({
    dialect: {
      createAdapter: () => (isSqlite ? new SqliteAdapter() : new PostgresAdapter()),
      createDriver: () => new DummyDriver(),
      createIntrospector: () => {
        throw new Error("a reader has no database to look into");
      },
      createQueryCompiler: () => (isSqlite ? new SqliteQueryCompiler() : new PostgresQueryCompiler()),
    },
  });
  return {
    name,
    sql,
    table: (table) => (schema === undefined ? sql.id(table) : sql.id(schema, table)),
    column: (table, column) => sql.id(table, column),
    milliseconds: (time) => (isSqlite ? time : sql`(extract(epoch from ${time}) * 1000)::bigint`),
    moment(milliseconds) {
      if (isSqlite) return sql`${milliseconds}`;
      return typeof milliseconds === "number"
        ? sql`to_timestamp(${milliseconds}::bigint / 1000.0)`
        : sql`to_timestamp(${milliseconds} / 1000.0)`;
    },
    integer: (value) => (isSqlite ? value : sql`CAST(${value} AS text)`),
    list(items, columns) {
      const json = JSON.stringify(items);
      const values = Object.entries(columns).map(([column, type], index) =>
        isSqlite
          ? sql`value ->> ${sql.lit(index)} AS ${sql.id(column)}`
          : sql`(value ->> ${sql.lit(index)})::${sql.raw(type)} AS ${sql.id(column)}`,
      );
      const source = isSqlite ? sql`json_each(${json})` : sql`json_array_elements(${json}::json) AS listed(value)`;
      return sql`SELECT ${sql.join(values)} FROM ${source}`;
    },
    run(statement) {
      const { sql: text, parameters } = statement.compile(compiler);
      return run(text, parameters);
    },
  };
}
