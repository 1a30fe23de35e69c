import { ledgerError } from "../ledger-error.ts";
import { type Migration, migrations } from "./postgresql-migrations.ts";
import { literal, quoted, relationNames, tables } from "./postgresql-names.ts";
import type { PostgresqlSession, RunQuery } from "./postgresql-session.ts";

/** What is written into `ledger_schema`, so that the tables are known as ours. */
const product = "meterbridge-ledger";

/**
 * Brings the schema to this package's version, a version per transaction, and makes it where there is none. Safe from any number of
 * processes at once: the first one does it, the others wait and find it done.
 *
 * @throws A `refused` error when the tables are of a newer version or somebody else's.
 */
export async function migrateSchema(
  session: PostgresqlSession,
  schema: string,
  steps: readonly Migration[] = migrations,
): Promise<void> {
  let isDone = false;
  while (!isDone) {
    // One at a time, so that a long one that is cut off leaves the versions before it.
    isDone = await session.transaction("migrate", longestStatementMillis, async (run) => {
      await lockSchema(run, schema);
      const version = await versionOf(run, schema, session.location, steps.length);
      const step = steps[version];
      if (step === undefined) return true;
      for (const statement of version === 0 ? beginnings(schema) : []) await run(statement);
      for (const statement of step(schema)) await run(statement);
      await run(`UPDATE ${tables(schema)("ledger_schema")} SET version = $1, migrated_at = now()`, [version + 1]);
      return version + 1 === steps.length;
    });
  }
}

/** The schema's version, 0 where nothing of ours is there. Reads only. Throws as {@link migrateSchema} does. */
export async function versionOf(
  run: RunQuery,
  schema: string,
  location: string,
  newest: number = migrations.length,
): Promise<number> {
  const found = await run(
    `SELECT relname::text AS name FROM pg_catalog.pg_class WHERE relname::text = ANY ($2::text[])
     AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1) ORDER BY 1`,
    [schema, relationNames],
  );
  const names = found.map((record) => String(record["name"]));
  if (names.length === 0) return 0;
  // By way of JSON, so that it can be asked of any table of that name.
  const stamps = names.includes("ledger_schema")
    ? await run(
        `SELECT to_jsonb(stamp) ->> 'product' AS product, to_jsonb(stamp) ->> 'version' AS version
         FROM ${tables(schema)("ledger_schema")} AS stamp LIMIT 2`,
      )
    : [];
  const version = Number(stamps[0]?.["version"]);
  if (stamps.length !== 1 || stamps[0]?.["product"] !== product || !Number.isInteger(version)) {
    const advice = 'which Meterbridge did not make: give the ledger a schema of its own by option "schema"';
    throw refused(location, `schema ${JSON.stringify(schema)} holds ${names.join(", ")}, ${advice}`);
  }
  if (version > newest) {
    const versions = `version ${version}, this package knows up to ${newest}`;
    throw refused(
      location,
      `the tables in schema ${JSON.stringify(schema)} are of ${versions}: upgrade @meterbridge/ledger`,
    );
  }
  return version;
}

/** Fails unless the tables are there in this package's version. Writes nothing. */
export async function checkSchema(run: RunQuery, schema: string, location: string): Promise<void> {
  const version = await versionOf(run, schema, location);
  if (version === migrations.length) return;
  const found = version === 0 ? "are not there" : `are of version ${version}, needed is ${migrations.length}`;
  const advice = "run postgresqlStore({ … }).migrate() once with a role that may create tables";
  throw ledgerError(
    "unavailable",
    `[meterbridge] [ledger] [postgresql] the tables in schema ${JSON.stringify(schema)} of ${location} ${found}: ${advice}`,
  );
}

/** Fails where the server or its settings would make the ledger less than exact. */
export async function checkServer(run: RunQuery, location: string): Promise<void> {
  const [record] = await run(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding,
     current_setting('transaction_isolation') AS isolation`,
  );
  if (Number(record?.["version"]) < 140_000) throw refused(location, "PostgreSQL 14 or newer is needed");
  if (record?.["encoding"] !== "UTF8") {
    throw refused(location, `the database's encoding is ${String(record?.["encoding"])}, UTF8 is needed`);
  }
  // With any other level an append could go by a retention horizon of before it waited.
  if (record["isolation"] !== "read committed") {
    const found = `default_transaction_isolation is "${String(record["isolation"])}" for this role`;
    throw refused(location, `${found}, "read committed" is needed: ALTER ROLE … SET default_transaction_isolation`);
  }
}

/** Held until the transaction ends. Keeps out everybody who changes this schema, and nobody who writes rows. */
export async function lockSchema(run: RunQuery, schema: string): Promise<void> {
  await run("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`meterbridge.ledger ${schema}`]);
}

/** Long enough to build an index over a large table. */
export const longestStatementMillis = 600_000;

function beginnings(schema: string): readonly string[] {
  const stamp = tables(schema)("ledger_schema");
  // `CREATE SCHEMA IF NOT EXISTS` needs the right to create even where the schema is there.
  const create = `IF to_regnamespace(${literal(quoted(schema))}) IS NULL THEN CREATE SCHEMA ${quoted(schema)}; END IF;`;
  return [
    `DO ${literal(`BEGIN ${create} END`)}`,
    `CREATE TABLE ${stamp} (product text NOT NULL, version integer NOT NULL, migrated_at timestamptz NOT NULL DEFAULT now())`,
    `INSERT INTO ${stamp} (product, version) VALUES (${literal(product)}, 0)`,
  ];
}

function refused(location: string, message: string): Error {
  return ledgerError("refused", `[meterbridge] [ledger] [postgresql] ${location} is refused: ${message}`);
}
