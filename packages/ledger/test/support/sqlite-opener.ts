// Opens a database, for the first time perhaps, writes one row and says so.
import { sqliteStore } from "../../src/sqlite/sqlite-store.ts";
import { usageRow } from "./sqlite-rows.ts";

const store = sqliteStore({ file: process.argv[2] ?? "" });
await store.open();
await store.append([usageRow()]);
process.stdout.write("written\n");
